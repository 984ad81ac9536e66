/**
 * Drives exchanges over transports: which KDC, which protocol, how long to wait, and what to try next.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import type { Bytes } from "../../base/bytes.ts";
import { abortable, type Deadline, startDeadline } from "../../base/deadline.ts";
import { monotonicNow, type Runtime } from "../../base/runtime.ts";
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { KdcError, KerberosError, printable } from "../errors.ts";
import { type AnswerKind, judgeAnswer } from "./answer.ts";
import { addressText, hostText, type KdcAddress, KdcAttempts, type KdcProtocol } from "./attempts.ts";
import { AnsweredLast } from "./answered_last.ts";
import { firstAnswer, NobodyAnswered } from "./race.ts";
import type { KdcExchange, KdcRequest } from "../exchange/kdc_exchange.ts";
import { type KdcEndpoint, locateKdcs, type LocateOptions, locatePrimaryKdcs, type SrvResolver } from "./locate.ts";

export type { KdcAddress } from "./attempts.ts";

/** Carries one message to one KDC and brings the reply back. */
export interface KdcTransport {
  /** Rejects when there is no reply, whatever the reason, and at once when the signal is aborted. */
  send(address: KdcAddress, message: Bytes, options: { readonly signal: AbortSignal }): Promise<Bytes>;
}

/** What {@linkcode KdcClient} is made of. */
export interface KdcClientOptions {
  /** Configuration. */
  readonly config: KerberosConfig;
  /** How messages travel. What has been seen of the KDCs behind it is shared by all clients of one transport. */
  readonly transport: KdcTransport;
  /** How KDCs are found that are not configured. @default {not at all} */
  readonly resolveSrv?: SrvResolver | undefined;
  /** How long one KDC may take to answer, in milliseconds. @default {5000} */
  readonly timeout?: number | undefined;
  /**
   * How long the next KDC waits for the one before it, in milliseconds; that one may still answer then.
   *
   * @default {1000}
   */
  readonly attemptDelay?: number | undefined;
  /** How long a whole exchange may take, over all KDCs and realms that it asks, in milliseconds. @default {60000} */
  readonly totalTimeout?: number | undefined;
  /** How long the DNS may take to name the KDCs of a realm, in milliseconds. @default {3000} */
  readonly lookupTimeout?: number | undefined;
  /** Draws among the hosts that the DNS names. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /** Clock by which it is forgotten who answered last, in milliseconds. @default {the machine's, which nobody sets} */
  readonly monotonic?: (() => number) | undefined;
}

/** What a call may be told. */
export interface KdcCallOptions {
  /** Ends the call with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** KDCs that are asked at one time at most. */
const AT_ONCE = 8;

/** What is known of KDCs, by the way to them: in one process one client learns from the other. */
const MEMORIES = new WeakMap<KdcTransport, AnsweredLast>();

/** One exchange. */
interface Run {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Whether the primary KDCs are asked, which know of every password first. */
  readonly primary: boolean;
  /** KDCs of realms that have been asked. */
  readonly located: Map<string, readonly KdcEndpoint[]>;
  /** Who answered last, and for which realm. */
  answered?: { readonly realm: string; readonly host: string };
}

/** A way to KDCs. */
export class KdcClient {
  readonly #options: KdcClientOptions;
  readonly #memory: AnsweredLast;

  /**
   * Makes one.
   *
   * @param options Configuration and transport.
   */
  constructor(options: KdcClientOptions) {
    this.#options = options;
    const { transport, monotonic = monotonicNow } = options;
    this.#memory = MEMORIES.get(transport) ?? new AnsweredLast(monotonic);
    MEMORIES.set(transport, this.#memory);
  }

  /**
   * Runs an exchange to its end.
   *
   * @throws {KerberosError} `KDC_UNREACHABLE` when no KDC answers, or the exchange takes too long.
   */
  async run<T>(exchange: KdcExchange<T>, options: KdcCallOptions = {}): Promise<T> {
    using deadline = this.#deadline(options);
    return await this.#drive(exchange, { signal: deadline.signal, primary: false, located: new Map() });
  }

  /**
   * Runs an exchange in which a secret is proved, and where that fails once more with the realm's primary KDC, if that is another
   * host than the one that said so: a replica may not have heard yet of a new password, or of a new client.
   *
   * @param begin Begins the exchange.
   * @throws {KerberosError} As {@linkcode run}.
   */
  async runWithSecret<T>(begin: () => KdcExchange<T>, options: KdcCallOptions = {}): Promise<T> {
    using deadline = this.#deadline(options);
    const { signal } = deadline;
    const run: Run = { signal, primary: false, located: new Map() };
    try {
      return await this.#drive(begin(), run);
    } catch (error) {
      signal.throwIfAborted();
      const located = isVerdict(error) ? await this.#primary(run) : undefined;
      if (located === undefined) throw error;
      return await this.#drive(begin(), { signal, primary: true, located }).catch((again) => {
        signal.throwIfAborted();
        // Where there is no asking the primary KDC, what the other one said holds.
        throw isVerdict(again) ? again : error;
      });
    }
  }

  #deadline({ signal }: KdcCallOptions): Deadline {
    const milliseconds = this.#options.totalTimeout ?? 60_000;
    return startDeadline({
      milliseconds,
      signal,
      reason: () =>
        new KerberosError(
          "KDC_UNREACHABLE",
          `Cannot get a ticket: the KDCs took longer than ${milliseconds} ms in all`,
        ),
    });
  }

  async #drive<T>(exchange: KdcExchange<T>, run: Run): Promise<T> {
    try {
      let step = await exchange.next();
      while (!step.done) step = await exchange.next(await this.#ask(step.value, run));
      return step.value;
    } finally {
      // What the exchange holds, keys for one, is given up where it did not come to its end.
      await exchange.return(undefined as never);
    }
  }

  /** Primary KDCs of the realm that has spoken, unless it was one of them, or there are none. */
  async #primary({ answered, signal }: Run): Promise<Run["located"] | undefined> {
    if (answered === undefined) return undefined;
    const { realm, host } = answered;
    const found = await locatePrimaryKdcs(realm, this.#locating(signal)).catch(() => []);
    signal.throwIfAborted();
    const other = found.length > 0 && !found.some((endpoint) => sameHost(hostText(endpoint), host));
    return other ? new Map([[realm, found]]) : undefined;
  }

  #locating(signal: AbortSignal): LocateOptions {
    const { config, resolveSrv, runtime, lookupTimeout } = this.#options;
    return { config, resolveSrv, signal, runtime, timeout: lookupTimeout, preferred: this.#preferred(0) };
  }

  /** KDCs of a realm, looked for once in an exchange. */
  async #located(realm: string, { located, signal }: Run): Promise<readonly KdcEndpoint[]> {
    const known = located.get(realm);
    if (known !== undefined) return known;
    const found = await locateKdcs(realm, this.#locating(signal));
    located.set(realm, found);
    return found;
  }

  /** RFC 4120 section 7.2: small messages over UDP where that is wished; TCP is always there for large replies. */
  #preferred(size: number): KdcProtocol {
    const { udpPreferenceLimit } = this.#options.config;
    return udpPreferenceLimit > 0 && size <= udpPreferenceLimit ? "udp" : "tcp";
  }

  /** Asks KDCs, the next one beside the one before where that takes its time, until one answers. */
  async #ask(request: KdcRequest, run: Run): Promise<Bytes> {
    const { signal } = run;
    signal.throwIfAborted();
    const { realm, message } = request;
    const endpoints = await this.#located(realm, run);
    const attempts = new KdcAttempts(endpoints, this.#preferred(message.length), this.#memory.first(realm));
    const { attemptDelay = 1_000 } = this.#options;
    // What is an answer only if there is none better.
    let doubtful: Answered | undefined;
    const ask = async (address: KdcAddress, stop: AbortSignal): Promise<Answered> => {
      try {
        const answered = await this.#askOne(address, request, stop);
        if (answered.kind === "good") return answered;
        doubtful = answered;
        throw failure(`${describe(address)} answers for another realm`);
      } catch (error) {
        attempts.failed(address);
        // Who is not waited for any more has not failed.
        if (!stop.aborted) this.#memory.failed(realm, addressText(address));
        throw error;
      }
    };
    const race = { next: () => attempts.next(), delay: attemptDelay, atOnce: AT_ONCE, signal };
    const { reply, address } = await firstAnswer(race, ask).catch((error) => {
      if (!(error instanceof NobodyAnswered)) throw error;
      if (doubtful === undefined) throw unreachable(realm, error.failures);
      return doubtful;
    });
    run.answered = { realm, host: hostText(address) };
    if (!run.primary) this.#memory.answered(realm, addressText(address));
    return reply;
  }

  /** One KDC: over UDP, and over TCP as well where it says that the reply is too large for UDP. */
  async #askOne(address: KdcAddress, request: KdcRequest, stop: AbortSignal): Promise<Answered> {
    let reply = await this.#send(address, request.message, stop);
    let kind = this.#judge(address, reply, request);
    if (kind === "too big" && address.protocol === "udp") {
      const overTcp: KdcAddress = { ...address, protocol: "tcp" };
      reply = await this.#send(overTcp, request.message, stop);
      kind = this.#judge(overTcp, reply, request);
    }
    if (kind === "unavailable") throw failure(`${describe(address)} is not available`);
    // That it is too big for TCP is all that this KDC has to say.
    return { kind: kind === "of another realm" ? kind : "good", reply, address };
  }

  #judge(address: KdcAddress, reply: Bytes, request: KdcRequest): AnswerKind {
    try {
      return judgeAnswer(reply, request);
    } catch (error) {
      if (!(error instanceof KerberosError)) throw error;
      throw failure(`${describe(address)} answers with what is none: ${error.message}`, error);
    }
  }

  async #send(address: KdcAddress, message: Bytes, stop: AbortSignal): Promise<Bytes> {
    const milliseconds = this.#options.timeout ?? 5_000;
    using deadline = startDeadline({
      milliseconds,
      signal: stop,
      reason: () => failure(`${describe(address)} did not answer within ${milliseconds} ms`),
    });
    const { signal } = deadline;
    try {
      return await abortable(this.#options.transport.send(address, message, { signal }), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw failure(`${describe(address)}: ${reasonText(error)}`, error);
    }
  }
}

/** A reply, and whose it is. */
interface Answered {
  readonly kind: "good" | "of another realm";
  readonly reply: Bytes;
  readonly address: KdcAddress;
}

/** Whether somebody who was asked has decided, and it is not that there was nobody to be asked. */
function isVerdict(error: unknown): boolean {
  return error instanceof KdcError || (error instanceof KerberosError && error.code !== "KDC_UNREACHABLE");
}

function sameHost(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function failure(message: string, cause?: unknown): KerberosError {
  return new KerberosError("KDC_UNREACHABLE", message, { cause });
}

function describe(address: KdcAddress): string {
  return `KDC ${addressText(address)}`;
}

/** Failures that are told in words; the cause has all of them. */
const TOLD_FAILURES = 5;

function unreachable(realm: string, failures: readonly unknown[]): KerberosError {
  const reasons = failures.slice(0, TOLD_FAILURES).map((failure) => printable(reasonText(failure)));
  if (failures.length > TOLD_FAILURES) reasons.push(`and ${failures.length - TOLD_FAILURES} more`);
  return new KerberosError("KDC_UNREACHABLE", `Cannot reach a KDC of ${printable(realm)}: ${reasons.join("; ")}`, {
    cause: new AggregateError(failures),
  });
}
