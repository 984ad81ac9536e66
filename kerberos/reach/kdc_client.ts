/**
 * Drives exchanges with KDCs: finds the KDCs of a realm, asks one after another until one answers, and asks the primary KDC if a
 * secret was refused.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { type Deadline, startDeadline } from "../../base/deadline.ts";
import { reasonText } from "../../base/reason.ts";
import { monotonicNow, type Runtime, systemRuntime } from "../../base/runtime.ts";
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { KdcError, KerberosError } from "../errors.ts";
import type { KdcExchange, KdcRequest } from "../exchange/kdc_exchange.ts";
import { askKdc, type KdcAnswer, kdcFailure, realmUnreachable } from "./ask_kdc.ts";
import { addressText, hostText, KdcAttempts } from "./attempts.ts";
import { LastAnswers } from "./last_answers.ts";
import { type KdcEndpoint, locateKdcs, type LocateOptions, locatePrimaryKdcs } from "./locate.ts";
import { AllFailed, firstAnswer } from "./race.ts";
import { answerSummary, requestSummary } from "./message_summary.ts";
import type { SrvResolver } from "./srv.ts";
import { type KerberosTracer, trace } from "./trace.ts";
import type { KdcAddress, KdcProtocol, KdcTransport } from "./transport.ts";

/** Options of {@linkcode KdcClient}. */
export interface KdcClientOptions {
  /** Configuration. */
  readonly config: KerberosConfig;
  /** Carries messages. All clients of one transport share what they learn about the KDCs behind it. */
  readonly transport: KdcTransport;
  /** Looks up KDCs that are not configured. @default {they are not looked up} */
  readonly resolveSrv?: SrvResolver | undefined;
  /** How long one KDC may take to answer, in milliseconds. @default {5000} */
  readonly timeout?: number | undefined;
  /**
   * How long the next KDC waits for the one before it, in milliseconds; that one may still answer after that.
   *
   * @default {1000}
   */
  readonly attemptDelay?: number | undefined;
  /** How long a whole exchange may take, over all KDCs and realms that it asks, in milliseconds. @default {60000} */
  readonly totalTimeout?: number | undefined;
  /** How long the DNS may take to name the KDCs of a realm, in milliseconds. @default {3000} */
  readonly lookupTimeout?: number | undefined;
  /** Randomness for the choice among the hosts that the DNS names. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /** Called with each step: which KDC is asked over what, what it is asked for and answers. @default {none} */
  readonly tracer?: KerberosTracer | undefined;
  /** A monotonic clock, in milliseconds, for how long a KDC that answered is remembered. @default {the machine's} */
  readonly monotonic?: (() => number) | undefined;
}

/** Options of a call. */
export interface KdcCallOptions {
  /** Ends the call with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** KDCs that are asked at one time at most. */
const AT_ONCE = 8;

/** Which KDCs answered last, by transport: in one process one client learns from the other. */
const LAST_ANSWERS = new WeakMap<KdcTransport, LastAnswers>();

/** One exchange. */
interface Run {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Whether the primary KDCs are asked, which know every new password at once. */
  readonly primary: boolean;
  /** KDCs of the realms that were asked. */
  readonly located: Map<string, readonly KdcEndpoint[]>;
  /** The KDC that answered last, and its realm. */
  answered?: { readonly realm: string; readonly host: string };
}

/**
 * A client of KDCs.
 *
 * @example Gets a ticket from an embedded KDC
 * ```ts
 * import { asExchange, parsePrincipal, passwordKey } from "@gssocks/gssocks/kerberos";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const { credential } = await kdc.client.run(asExchange({
 *   client: parsePrincipal("alice@GSSOCKS.TEST"),
 *   key: passwordKey("secret"),
 *   enctypes: [18],
 *   lifetime: 3_600_000,
 *   renewLifetime: 0,
 *   forwardable: false,
 *   proxiable: false,
 *   canonicalize: false,
 *   timesync: true,
 *   runtime: kdc.clock,
 * }));
 * if (credential.endtime <= Date.now()) throw new Error("expired");
 * ```
 */
export class KdcClient {
  readonly #options: KdcClientOptions;
  readonly #lastAnswers: LastAnswers;

  /**
   * Creates a client.
   *
   * @param options Configuration and transport.
   */
  constructor(options: KdcClientOptions) {
    this.#options = options;
    const { transport, monotonic = monotonicNow } = options;
    this.#lastAnswers = LAST_ANSWERS.get(transport) ?? new LastAnswers(monotonic);
    LAST_ANSWERS.set(transport, this.#lastAnswers);
  }

  /**
   * Runs an exchange to its end.
   *
   * @throws {KerberosError} `KDC_UNREACHABLE` if no KDC answers, or the exchange takes too long.
   */
  async run<T>(exchange: KdcExchange<T>, options: KdcCallOptions = {}): Promise<T> {
    using deadline = this.#deadline(options);
    return await this.#drive(exchange, { signal: deadline.signal, primary: false, located: new Map() });
  }

  /**
   * Runs an exchange in which a secret is proved. If a KDC refuses it, the exchange is run once more with the realm's primary KDC,
   * unless that is the host that refused: a replica may not know yet of a new password, or of a new client.
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
      const located = isVerdict(error) ? await this.#locatePrimary(run) : undefined;
      if (located === undefined) throw error;
      return await this.#drive(begin(), { signal, primary: true, located }).catch((again) => {
        signal.throwIfAborted();
        // If the primary KDC cannot be asked, the verdict of the other one holds.
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
      // Releases what the exchange holds, such as keys, if it did not come to its end.
      await exchange.return(undefined as never);
    }
  }

  /** Primary KDCs of the realm that answered last; `undefined` if there are none, or the answer was one of theirs. */
  async #locatePrimary({ answered, signal }: Run): Promise<Run["located"] | undefined> {
    if (answered === undefined) return undefined;
    const { realm, host } = answered;
    const found = await locatePrimaryKdcs(realm, this.#locateOptions(signal)).catch(() => []);
    signal.throwIfAborted();
    this.#traceLocated(realm, found, true);
    const other = found.length > 0 && !found.some((endpoint) => isSameHost(hostText(endpoint), host));
    return other ? new Map([[realm, found]]) : undefined;
  }

  #locateOptions(signal: AbortSignal): LocateOptions {
    const { config, resolveSrv, runtime, lookupTimeout } = this.#options;
    return { config, resolveSrv, signal, runtime, timeout: lookupTimeout, preferred: this.#preferred(0) };
  }

  /** KDCs of a realm, located once in an exchange. */
  async #locate(realm: string, { located, signal }: Run): Promise<readonly KdcEndpoint[]> {
    const known = located.get(realm);
    if (known !== undefined) return known;
    const found = await locateKdcs(realm, this.#locateOptions(signal));
    located.set(realm, found);
    this.#traceLocated(realm, found, false);
    return found;
  }

  #traceLocated(realm: string, found: readonly KdcEndpoint[], primary: boolean): void {
    const text = (endpoint: KdcEndpoint) =>
      endpoint.protocol === undefined ? hostText(endpoint) : `${endpoint.protocol}/${hostText(endpoint)}`;
    trace(this.#options.tracer, () => ({ type: "located", realm, kdcs: found.map(text), primary }));
  }

  /** RFC 4120 section 7.2: small messages go over UDP if that is configured; TCP is always there for large replies. */
  #preferred(size: number): KdcProtocol {
    const { udpPreferenceLimit } = this.#options.config;
    return udpPreferenceLimit > 0 && size <= udpPreferenceLimit ? "udp" : "tcp";
  }

  /** Asks the KDCs of a realm until one answers. A slow one is not waited for: the next one is asked beside it. */
  async #ask(request: KdcRequest, run: Run): Promise<Bytes> {
    const { signal } = run;
    signal.throwIfAborted();
    const { realm, message } = request;
    const endpoints = await this.#locate(realm, run);
    const attempts = new KdcAttempts(endpoints, this.#preferred(message.length), this.#lastAnswers.first(realm));
    const { transport, timeout = 5_000, attemptDelay = 1_000, tracer, runtime = systemRuntime } = this.#options;
    trace(tracer, () => ({ type: "request", realm, request: requestSummary(message) }));
    // An answer that counts only if there is no better one.
    let fallback: KdcAnswer | undefined;
    const ask = async (address: KdcAddress, stop: AbortSignal): Promise<KdcAnswer> => {
      try {
        trace(tracer, () => ({ type: "asked", realm, kdc: addressText(address), bytes: message.length }));
        const answer = await askKdc(address, request, { transport, timeout, signal: stop });
        if (answer.kind === "good") return answer;
        fallback = answer;
        throw kdcFailure(address, " answers for another realm");
      } catch (error) {
        attempts.failed(address);
        trace(tracer, () => ({ type: "failed", realm, kdc: addressText(address), reason: reasonText(error) }));
        // A KDC that lost the race has not failed.
        if (!stop.aborted) this.#lastAnswers.failed(realm, addressText(address));
        throw error;
      }
    };
    const race = { next: () => attempts.next(), delay: attemptDelay, atOnce: AT_ONCE, signal };
    const { reply, address } = await firstAnswer(race, ask).catch((error) => {
      if (!(error instanceof AllFailed)) throw error;
      if (fallback === undefined) throw realmUnreachable(realm, error.failures);
      return fallback;
    });
    trace(tracer, () => ({
      ...{ type: "answered", realm, kdc: addressText(address), bytes: reply.length },
      answer: answerSummary(reply, runtime.now()),
    }));
    run.answered = { realm, host: hostText(address) };
    if (!run.primary) this.#lastAnswers.answered(realm, addressText(address));
    return reply;
  }
}

/** Whether a KDC has decided, rather than none having answered. */
function isVerdict(error: unknown): boolean {
  return error instanceof KdcError || (error instanceof KerberosError && error.code !== "KDC_UNREACHABLE");
}

function isSameHost(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
