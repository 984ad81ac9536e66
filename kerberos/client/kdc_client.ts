/**
 * Drives exchanges over transports: which KDC, which protocol, how long to wait, and what to try next.
 *
 * @module
 */
import { applicationTag } from "../../gss/asn1.ts";
import type { Bytes } from "../../gss/bytes.ts";
import { startDeadline } from "../../gss/deadline.ts";
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { ErrorCode } from "../constants.ts";
import { KerberosError } from "../errors.ts";
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

  /** Runs an exchange to its end. */
  async run<T>(exchange: KdcExchange<T>, options: KdcCallOptions = {}): Promise<T> {
    let step = await exchange.next();
    while (!step.done) {
      const { realm, message } = step.value;
      step = await exchange.next(await this.#ask(realm, message, options.signal));
    }
    return step.value;
  }

  /** Asks one KDC after another until one answers. */
  async #ask(realm: string, message: Bytes, signal: AbortSignal | undefined): Promise<Bytes> {
    const { config, resolveSrv } = this.#options;
    signal?.throwIfAborted();
    const endpoints = await locateKdcs(realm, { config, resolveSrv, signal });
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
          signal?.throwIfAborted();
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

  async #send(address: KdcAddress, message: Bytes, signal: AbortSignal | undefined): Promise<Bytes> {
    const milliseconds = this.#options.timeout ?? 5_000;
    using deadline = startDeadline({
      milliseconds,
      signal,
      reason: () =>
        new KerberosError("KDC_UNREACHABLE", `${describe(address)} did not answer within ${milliseconds} ms`),
    });
    return await this.#options.transport.send(address, message, { signal: deadline.signal });
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

function unreachable(realm: string, failures: readonly unknown[]): KerberosError {
  const reasons = failures.map((failure) => failure instanceof Error ? failure.message : String(failure));
  return new KerberosError("KDC_UNREACHABLE", `Cannot reach a KDC of ${realm}: ${reasons.join("; ")}`, {
    cause: new AggregateError(failures),
  });
}
