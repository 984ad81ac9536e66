/**
 * Drives exchanges over transports: which KDC, which protocol, how long to wait, and what to try next.
 *
 * @module
 */
import { applicationTag } from "../../gss/asn1.ts";
import type { Bytes } from "../../gss/bytes.ts";
import { abortable, startDeadline } from "../../gss/deadline.ts";
import type { Runtime } from "../../gss/runtime.ts";
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { ErrorCode } from "../constants.ts";
import { KerberosError, printable } from "../errors.ts";
import { KrbError } from "../messages/error.ts";
import { type KdcExchange, readMessage } from "./exchange.ts";
import { type KdcEndpoint, locateKdcs, type SrvResolver } from "./locate.ts";

/** An endpoint with its protocol chosen. */
export interface KdcAddress extends KdcEndpoint {
  /** Transport. */
  readonly protocol: "tcp" | "udp";
}

/** Carries one message to one KDC and brings the reply back. */
export interface KdcTransport {
  /** Rejects when there is no reply, whatever the reason, and at once when the signal is aborted. */
  send(address: KdcAddress, message: Bytes, options: { readonly signal: AbortSignal }): Promise<Bytes>;
}

/** What {@linkcode KdcClient} is made of. */
export interface KdcClientOptions {
  /** Configuration. */
  readonly config: KerberosConfig;
  /** How messages travel. */
  readonly transport: KdcTransport;
  /** How KDCs are found that are not configured. @default {not at all} */
  readonly resolveSrv?: SrvResolver | undefined;
  /** How long one KDC may take to answer, in milliseconds. @default {5000} */
  readonly timeout?: number | undefined;
  /** How long a whole exchange may take, over all KDCs and realms that it asks, in milliseconds. @default {60000} */
  readonly totalTimeout?: number | undefined;
  /** Draws among the hosts that the DNS names. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

/** What a call may be told. */
export interface KdcCallOptions {
  /** Ends the call with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A way to KDCs. */
export class KdcClient {
  readonly #options: KdcClientOptions;

  /**
   * Makes one.
   *
   * @param options Configuration and transport.
   */
  constructor(options: KdcClientOptions) {
    this.#options = options;
  }

  /**
   * Runs an exchange to its end.
   *
   * @throws {KerberosError} `KDC_UNREACHABLE` when no KDC answers, or the exchange takes too long.
   */
  async run<T>(exchange: KdcExchange<T>, options: KdcCallOptions = {}): Promise<T> {
    const milliseconds = this.#options.totalTimeout ?? 60_000;
    using deadline = startDeadline({
      milliseconds,
      signal: options.signal,
      reason: () =>
        new KerberosError(
          "KDC_UNREACHABLE",
          `Cannot get a ticket: the KDCs took longer than ${milliseconds} ms in all`,
        ),
    });
    try {
      let step = await exchange.next();
      while (!step.done) {
        const { realm, message } = step.value;
        step = await exchange.next(await this.#ask(realm, message, deadline.signal));
      }
      return step.value;
    } finally {
      // What the exchange holds, keys for one, is given up where it did not come to its end.
      await exchange.return(undefined as never);
    }
  }

  /** Asks one KDC after another until one answers. */
  async #ask(realm: string, message: Bytes, signal: AbortSignal): Promise<Bytes> {
    const { config, resolveSrv, runtime } = this.#options;
    signal.throwIfAborted();
    const endpoints = await abortable(locateKdcs(realm, { config, resolveSrv, signal, runtime }), signal);
    const failures: unknown[] = [];
    for (const endpoint of endpoints) {
      for (const protocol of this.#protocols(endpoint, message)) {
        try {
          const reply = await this.#send({ ...endpoint, protocol }, message, signal);
          const code = errorCode(reply);
          if (protocol === "udp" && code === ErrorCode.KRB_ERR_RESPONSE_TOO_BIG) continue;
          if (code !== ErrorCode.KDC_ERR_SVC_UNAVAILABLE) return reply;
          failures.push(
            new KerberosError("KDC_UNREACHABLE", `${describe({ ...endpoint, protocol })} is not available`),
          );
        } catch (error) {
          signal.throwIfAborted();
          failures.push(error);
        }
      }
    }
    throw unreachable(realm, failures);
  }

  /** RFC 4120 section 7.2: small messages over UDP where that is wished; TCP is always there for large replies. */
  #protocols(endpoint: KdcEndpoint, message: Bytes): readonly ("tcp" | "udp")[] {
    if (endpoint.protocol === "udp") return ["udp", "tcp"];
    if (endpoint.protocol === "tcp") return ["tcp"];
    return message.length <= this.#options.config.udpPreferenceLimit ? ["udp", "tcp"] : ["tcp", "udp"];
  }

  async #send(address: KdcAddress, message: Bytes, signal: AbortSignal): Promise<Bytes> {
    const milliseconds = this.#options.timeout ?? 5_000;
    using deadline = startDeadline({
      milliseconds,
      signal,
      reason: () =>
        new KerberosError("KDC_UNREACHABLE", `${describe(address)} did not answer within ${milliseconds} ms`),
    });
    return await abortable(
      this.#options.transport.send(address, message, { signal: deadline.signal }),
      deadline.signal,
    );
  }
}

/** Code of a KRB-ERROR; `undefined` for anything else, and for an error that cannot be read. */
function errorCode(reply: Bytes): number | undefined {
  if (applicationTag(reply) !== 30) return undefined;
  try {
    return readMessage(KrbError, reply).errorCode;
  } catch {
    return undefined;
  }
}

function describe(address: KdcAddress): string {
  return `KDC ${address.protocol}/${address.hostname}:${address.port}`;
}

/** Failures that are told in words; the cause has all of them. */
const TOLD_FAILURES = 5;

function unreachable(realm: string, failures: readonly unknown[]): KerberosError {
  const reasons = failures.slice(0, TOLD_FAILURES).map((failure) =>
    printable(failure instanceof Error ? failure.message : String(failure))
  );
  if (failures.length > TOLD_FAILURES) reasons.push(`and ${failures.length - TOLD_FAILURES} more`);
  return new KerberosError("KDC_UNREACHABLE", `Cannot reach a KDC of ${printable(realm)}: ${reasons.join("; ")}`, {
    cause: new AggregateError(failures),
  });
}
