/**
 * One request to one KDC: the time that it has to answer, the verdict on its answer, and the errors when it fails.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { abortable, startDeadline } from "../../base/deadline.ts";
import { reasonText } from "../../base/reason.ts";
import { KerberosError, peerText } from "../errors.ts";
import type { KdcRequest } from "../exchange/kdc_exchange.ts";
import { type AnswerKind, judgeAnswer } from "./answer.ts";
import { addressText } from "./attempts.ts";
import type { KdcAddress, KdcTransport } from "./transport.ts";

/** Options of {@linkcode askKdc}. */
interface AskKdcOptions {
  /** Carries the message. */
  readonly transport: KdcTransport;
  /** How long the KDC may take for each message, in milliseconds. */
  readonly timeout: number;
  /** Ends the call with its reason. */
  readonly signal: AbortSignal;
}

/** The answer of a KDC. */
export interface KdcAnswer {
  /** The verdict on it. */
  readonly kind: "good" | "of another realm";
  /** The message. */
  readonly reply: Bytes;
  /** The KDC asked. */
  readonly address: KdcAddress;
}

/**
 * Asks one KDC; over TCP as well if it says that its reply is too large for UDP.
 *
 * @throws {KerberosError} `KDC_UNREACHABLE` if it does not answer, is not available, or sends no valid answer.
 */
export async function askKdc(address: KdcAddress, request: KdcRequest, options: AskKdcOptions): Promise<KdcAnswer> {
  let reply = await send(address, request.message, options);
  let kind = judge(address, reply, request);
  if (kind === "too big" && address.protocol === "udp") {
    const overTcp: KdcAddress = { ...address, protocol: "tcp" };
    reply = await send(overTcp, request.message, options);
    kind = judge(overTcp, reply, request);
  }
  if (kind === "unavailable") throw kdcFailure(address, " is not available");
  // A reply that is too big for TCP is an error like any other.
  return { kind: kind === "of another realm" ? kind : "good", reply, address };
}

function judge(address: KdcAddress, reply: Bytes, request: KdcRequest): AnswerKind {
  try {
    return judgeAnswer(reply, request);
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error;
    throw kdcFailure(address, ` sent no valid answer: ${error.message}`, error);
  }
}

async function send(address: KdcAddress, message: Bytes, options: AskKdcOptions): Promise<Bytes> {
  const { transport, timeout: milliseconds } = options;
  using deadline = startDeadline({
    milliseconds,
    signal: options.signal,
    reason: () => kdcFailure(address, ` did not answer within ${milliseconds} ms`),
  });
  const { signal } = deadline;
  try {
    return await abortable(transport.send(address, message, { signal }), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw kdcFailure(address, `: ${reasonText(error)}`, error);
  }
}

/** The failure of one KDC. */
export function kdcFailure(address: KdcAddress, problem: string, cause?: unknown): KerberosError {
  return new KerberosError("KDC_UNREACHABLE", `KDC ${addressText(address)}${problem}`, { cause });
}

/** Failures that a message names; the cause has all of them. */
const MAX_NAMED = 5;

/** The failure of all KDCs of a realm. */
export function realmUnreachable(realm: string, failures: readonly unknown[]): KerberosError {
  const reasons = failures.slice(0, MAX_NAMED).map((failure) => peerText(reasonText(failure)));
  if (failures.length > MAX_NAMED) reasons.push(`and ${failures.length - MAX_NAMED} more`);
  return new KerberosError("KDC_UNREACHABLE", `Cannot reach a KDC of ${peerText(realm)}: ${reasons.join("; ")}`, {
    cause: new AggregateError(failures),
  });
}
