/**
 * The server: accepts connections within its limits and runs a session for each.
 *
 * @module
 */
import { abortable, aborted, type Deadline, duration, pause, startDeadline } from "../gss/deadline.ts";
import { systemRuntime } from "../gss/runtime.ts";
import type { Identity, ServerAuthMethod } from "./auth/method.ts";
import { SocksLimitError, SocksReplyError } from "./errors.ts";
import type { OtherProtocol } from "./front/front.ts";
import { givenSignal } from "./given.ts";
import {
  checkLimits,
  gateFor,
  type Limits,
  sourceLimit,
  sourceName,
  Tally,
  type UserLedger,
  userLimit,
  UserRates,
} from "./limits/limits.ts";
import { Rate } from "./limits/rate.ts";
import type { Gate } from "./relay.ts";
import type { ClientRuleSet } from "./rules/client_rules.ts";
import { ruleLine } from "./rules/rules.ts";
import { userKey } from "./rules/users.ts";
import { runSession, type ServedCommands, type SessionEvent, type SessionStatus } from "./session.ts";
import type { Connection } from "./stream/connection.ts";
import type { ConnectionListener } from "./stream/deno.ts";
import { settled, takeInTime } from "./stream/late.ts";
import type { Endpoint } from "./wire/address.ts";

/** How a server behaves, whatever it listens on. Times are in milliseconds. */
export interface SocksServerOptions extends ServedCommands, Limits {
  /** Methods accepted, in order of preference. */
  readonly auth: readonly ServerAuthMethod[];
  /** Whether a client that offers GSS-API must use it although "none" would do. @default {false} */
  readonly preferGssapi?: boolean | undefined;
  /** Protocols accepted beside SOCKS version 5; such clients name nobody. @default {[]} */
  readonly protocols?: readonly OtherProtocol[] | undefined;
  /** Who may talk to the server at all. @default {everybody} */
  readonly clients?: ClientRuleSet | undefined;
  /** Time for greeting, authentication and request. @default {10000} */
  readonly handshakeTimeout?: number | undefined;
  /**
   * Time for reaching a target, for a target to connect after BIND, for a look-up, and for setting an association up.
   *
   * @default {30000}
   */
  readonly connectTimeout?: number | undefined;
  /** Time without an octet either way after which a connection is closed. @default {Infinity} */
  readonly idleTimeout?: number | undefined;
  /** The same once one side has ended, where that is less. @default {Infinity} */
  readonly halfCloseTimeout?: number | undefined;
  /** What becomes of a session when the client's ticket expires. @default {"keep"} */
  readonly ticketExpiry?: "keep" | "cut" | undefined;
  /** Counts the sessions of users; share one between servers. @default {one in memory} */
  readonly userLedger?: UserLedger | undefined;
  /** Ends the server at once, with all its sessions. */
  readonly signal?: AbortSignal | undefined;
  /** Told what happens. What it throws is not caught. */
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
}

/** Something that happened to a session of a server. */
export type ServerEvent = SessionEvent & {
  /** Number of the session, from 1. */
  readonly session: number;
  /** The client's address, where it has one. */
  readonly client: Endpoint | undefined;
};

/** A session under way. */
export interface LiveSession extends Readonly<SessionStatus> {
  /** Number of the session, from 1. */
  readonly session: number;
  /** The client's address, where it has one. */
  readonly client: Endpoint | undefined;
}

/** How a server is stopped. */
export interface ShutdownOptions {
  /** Time that sessions have left to end by themselves, in milliseconds. @default {Infinity} */
  readonly deadline?: number | undefined;
}

/** Options that are times. */
const TIMES = ["handshakeTimeout", "connectTimeout", "idleTimeout", "halfCloseTimeout"] as const;

/** A pause after an accept that failed, for example because there are no file descriptors left. */
const ACCEPT_PAUSE = 100;

/** A session with what it holds. */
class Running implements LiveSession {
  readonly session: number;
  readonly client: Endpoint | undefined;
  readonly startedAt: number;
  readonly counts = { sent: 0, received: 0 };
  readonly clock: Deadline = startDeadline({
    milliseconds: Infinity,
    reason: () => new Error("unreachable: there is no time limit"),
  });
  identity?: Identity;
  protection?: NonNullable<SessionStatus["protection"]>;
  command?: NonNullable<SessionStatus["command"]>;
  target?: Endpoint;
  /** Limits on the rate of its octets. */
  rates: Rate[] = [];
  gate: Gate | undefined;
  /** Where its user is counted. */
  ledger: UserLedger | undefined;
  /** Whether its request is carried out. */
  entered = false;
  /** Gives back what it was counted as. */
  leave: (() => void)[] = [];
  ended: Promise<void> = Promise.resolve();

  constructor(session: number, client: Endpoint | undefined, startedAt: number) {
    this.session = session;
    this.client = client;
    this.startedAt = startedAt;
  }
}

/** A SOCKS server. */
export class SocksServer implements AsyncDisposable {
  #options: SocksServerOptions;
  readonly #listeners = new Set<ConnectionListener>();
  /** Accepts under way: a client may have been accepted when it is decided that nobody is any more. */
  readonly #accepting = new Set<Promise<unknown>>();
  /** Sessions under way. A listener each on one signal would take longer the more there are. */
  readonly #sessions = new Set<Running>();
  /** Those of them that have not said what they want, the oldest first. */
  readonly #halfOpen = new Set<Running>();
  readonly #sources = new Tally();
  readonly #users = new Tally();
  readonly #userRates = new UserRates();
  /** Aborted when all is ended. */
  readonly #cut = new AbortController();
  /** Aborted when nobody is accepted any more. */
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal | undefined;
  readonly #onSignal = () => this.#abort(this.#signal?.reason);
  #accepts: Rate | undefined;
  #count = 0;
  #room = Promise.withResolvers<void>();

  /**
   * Makes one.
   *
   * @param options How it behaves.
   * @throws {TypeError} When no authentication method is given, a time or a limit is none, or the signal is something else.
   */
  constructor(options: SocksServerOptions) {
    this.#options = options;
    this.update(options);
    const signal = givenSignal(options.signal);
    this.#signal = signal;
    if (signal?.aborted) this.#abort(signal.reason);
    else signal?.addEventListener("abort", this.#onSignal, { once: true });
  }

  /**
   * Behaves otherwise from now on. Sessions under way go on as they began, and count for the new limits; rules are theirs where
   * {@linkcode ServedCommands} ask for them anew. The signal stays the first one. Once the server has ended this has no effect.
   *
   * @throws {TypeError} When no authentication method is given, or a time or a limit is none; nothing is changed then.
   */
  update(options: SocksServerOptions): void {
    if (options.auth.length === 0) throw new TypeError("Cannot serve: no authentication method is given");
    for (const name of TIMES) if (options[name] !== undefined) duration(name, options[name]);
    checkLimits(options);
    if (this.#cut.signal.aborted) return;
    this.#options = options;
    const { maxAcceptsPerSecond: perSecond = Infinity } = options;
    if (!Number.isFinite(perSecond)) this.#accepts = undefined;
    else if (this.#accepts === undefined) this.#accepts = new Rate(perSecond, systemRuntime.now);
    else this.#accepts.change(perSecond);
    if ((options.maxSessionsPerUser ?? Infinity) === Infinity) return;
    // Users were not counted before, or elsewhere.
    for (const running of this.#sessions) {
      const { entered, identity } = running;
      if (entered && identity !== undefined) void this.#countUser(running, userKey(identity), Infinity).catch(() => {});
    }
  }

  /** How many sessions are under way. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Resolved when it has begun to stop for good. */
  get stopped(): Promise<void> {
    return aborted(this.#stopping.signal);
  }

  /** The sessions under way. */
  liveSessions(): readonly LiveSession[] {
    return [...this.#sessions];
  }

  /** Accepts from a listener until it is closed or the server stops; the listener is closed then. */
  async listen(listener: ConnectionListener): Promise<void> {
    this.#listeners.add(listener);
    const { signal } = this.#stopping;
    let accepting: Promise<Connection | undefined> | undefined;
    const accept = () => {
      if (accepting !== undefined) this.#accepting.delete(accepting);
      this.#accepting.add(accepting = listener.accept());
      return accepting;
    };
    try {
      while (!signal.aborted) {
        let connection: Connection | undefined;
        try {
          connection = await takeInTime(accept, signal, (late) => late && void this.serve(late));
        } catch {
          await pause(ACCEPT_PAUSE, signal);
          continue;
        }
        if (connection === undefined) return;
        void this.serve(connection);
        await this.#waitForRoom();
        const owed = this.#accepts?.take(1) ?? 0;
        if (owed > 0) await pause(owed, signal);
      }
    } finally {
      this.#listeners.delete(listener);
      listener.close();
      // Its port is free once that is over.
      if (accepting === undefined) return;
      await settled([accepting]);
      this.#accepting.delete(accepting);
    }
  }

  /** Serves one connection to its end: for connections that come from elsewhere than a listener. Never rejects. */
  serve(connection: Connection): Promise<void> {
    const running = new Running(++this.#count, connection.remote, systemRuntime.now());
    if (this.#cut.signal.aborted) running.clock.abort(this.#cut.signal.reason);
    this.#sessions.add(running);
    running.ended = this.#run(connection, running);
    return running.ended;
  }

  async #run(connection: Connection, running: Running): Promise<void> {
    const options = this.#options;
    const { session, client, clock } = running;
    const onEvent = (event: SessionEvent) => options.onEvent?.({ ...event, session, client });
    try {
      const refusal = this.#refusal(running);
      if (refusal !== undefined) {
        connection.close();
        onEvent({ type: "refused", error: refusal });
        return;
      }
      this.#openHalf(running);
      await runSession(connection, {
        auth: options.auth,
        preferGssapi: options.preferGssapi ?? false,
        protocols: options.protocols ?? [],
        open: options.open,
        bind: options.bind,
        associate: options.associate,
        resolve: options.resolve,
        handshakeTimeout: options.handshakeTimeout ?? 10_000,
        connectTimeout: options.connectTimeout ?? 30_000,
        idleTimeout: options.idleTimeout ?? Infinity,
        halfCloseTimeout: options.halfCloseTimeout ?? Infinity,
        cutExpired: options.ticketExpiry === "cut",
        clock,
        status: running,
        now: systemRuntime.now,
        get gate(): Gate | undefined {
          return running.gate;
        },
        admit: (length) => running.rates.every((rate) => rate.tryTake(length)),
        // Limits are the ones of now, so that all who are counted are counted alike.
        enter: (identity) => this.#enter(running, userKey(identity), this.#options),
        onEvent,
      });
    } finally {
      clock[Symbol.dispose]();
      this.#sessions.delete(running);
      this.#halfOpen.delete(running);
      for (const leave of running.leave) leave();
      this.#room.resolve();
      this.#room = Promise.withResolvers<void>();
    }
  }

  /** Why a client is not even listened to. */
  #refusal(running: Running): Error | undefined {
    const { clients, maxSessionsPerSource: limit = Infinity } = this.#options;
    const source = sourceName(running.client);
    const verdict = clients?.judge(running.client?.hostname);
    if (verdict?.allowed === false) {
      const { rule } = verdict;
      const because = { ...(rule === undefined ? {} : { rule: ruleLine(rule) }) };
      return new SocksReplyError("NOT_ALLOWED", `Client is not allowed: ${verdict.reason}`, because);
    }
    if (source === undefined) return undefined;
    // Counted without a limit too, for the day that there is one.
    if (!this.#sources.enter(source, limit)) return sourceLimit(source, limit);
    running.leave.push(() => this.#sources.leave(source));
    return undefined;
  }

  /** Somebody who opens many connections and says nothing must not keep others out: the oldest such one goes. */
  #openHalf(running: Running): void {
    const { maxHalfOpen = 1_000 } = this.#options;
    this.#halfOpen.add(running);
    if (this.#halfOpen.size <= maxHalfOpen) return;
    const oldest = this.#halfOpen.values().next().value!;
    this.#halfOpen.delete(oldest);
    oldest.clock.abort(
      new SocksLimitError("HALF_OPEN_LIMIT", `More than ${maxHalfOpen} clients have said nothing yet`),
    );
  }

  /** A client is about to have its request carried out. */
  #enter(running: Running, user: string, options: SocksServerOptions): Promise<void> | undefined {
    this.#halfOpen.delete(running);
    running.entered = true;
    const { maxSessionsPerUser: limit = Infinity, bandwidthPerSession = Infinity, bandwidthPerUser = Infinity } =
      options;
    const { rates, clock: { signal } } = running;
    if (bandwidthPerSession !== Infinity) rates.push(new Rate(bandwidthPerSession, systemRuntime.now));
    if (user !== "" && bandwidthPerUser !== Infinity) {
      rates.push(this.#userRates.enter(user, bandwidthPerUser, systemRuntime.now));
      running.leave.push(() => this.#userRates.leave(user));
    }
    running.gate = gateFor(rates, signal);
    return user === "" || limit === Infinity ? undefined : this.#enterUser(running, user, limit);
  }

  async #enterUser(running: Running, user: string, limit: number): Promise<void> {
    if (!await this.#countUser(running, user, limit)) throw userLimit(user, limit);
  }

  /** Counts a session of a user where users are counted now, once. */
  async #countUser(running: Running, user: string, limit: number): Promise<boolean> {
    const ledger = this.#options.userLedger ?? this.#users;
    if (user === "" || running.ledger === ledger) return true;
    running.ledger = ledger;
    const entered = ledger.enter(user, limit);
    if (!(typeof entered === "boolean" ? entered : await entered)) return false;
    if (this.#sessions.has(running)) running.leave.push(() => ledger.leave(user));
    else ledger.leave(user);
    return true;
  }

  async #waitForRoom(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#sessions.size >= (this.#options.maxSessions ?? 10_000) && !signal.aborted) {
      await abortable(this.#room.promise, signal).catch(() => {});
    }
  }

  /** Whoever has given the signal may have it for long. */
  #abort(reason: unknown): void {
    this.#signal?.removeEventListener("abort", this.#onSignal);
    this.#cut.abort(reason);
    this.#stop();
    for (const { clock } of this.#sessions) clock.abort(reason);
  }

  #stop(): void {
    this.#stopping.abort();
    for (const listener of this.#listeners) listener.close();
  }

  /**
   * Accepts nobody any more, waits for the sessions under way until the deadline, and cuts those that are left. May be called
   * again; the deadline that is over first counts.
   *
   * @throws {TypeError} When the deadline is no time; nothing is stopped then.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const milliseconds = duration("deadline", options.deadline ?? Infinity);
    this.#stop();
    // Who was accepted at the last moment is served like the others.
    await settled([...this.#accepting]);
    using deadline = startDeadline({ milliseconds, reason: () => new Error("Server is shutting down") });
    deadline.signal.addEventListener("abort", () => this.#abort(deadline.signal.reason), { once: true });
    while (this.#sessions.size > 0) await this.#allEnded();
    this.#abort(new Error("Server is shut down"));
  }

  /** Ends the server at once, with all its sessions. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort(new Error("Server is shutting down"));
    while (this.#sessions.size > 0) await this.#allEnded();
  }

  async #allEnded(): Promise<void> {
    await Promise.all([...this.#sessions].map(({ ended }) => ended));
  }
}
