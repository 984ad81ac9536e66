/**
 * The running sessions of a server: admits clients within the limits, runs a session for each, and keeps account of them.
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";
import { Rate } from "../../base/rate.ts";
import { asError } from "../../base/reason.ts";
import { monotonicNow, systemRuntime } from "../../base/runtime.ts";
import { SocksLimitError, SocksReplyError } from "../errors.ts";
import { ruleLine } from "../rules/rule.ts";
import { userKey } from "../rules/users.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import type { Connection } from "../stream/connection.ts";
import type { Endpoint } from "../wire/address.ts";
import { isShortage, notify, type TroubleKind } from "./health.ts";
import { type Bandwidth, bandwidthOf, UserRates } from "./limits/bandwidth.ts";
import { HalfOpen } from "./limits/half_open.ts";
import { type Shares, sharesOf } from "./limits/limits.ts";
import { SourceLimits } from "./limits/source_limits.ts";
import { Tally } from "./limits/tally.ts";
import { type AllTimeouts, timeoutsOf } from "./limits/timeouts.ts";
import type { UserLedger } from "./limits/user_ledger.ts";
import type { SocksServerOptions } from "./options.ts";
import { runSession } from "./session.ts";
import { type SessionObserver, SessionRecord } from "./session_record.ts";
import type { LiveSession } from "./status.ts";

/** Time in milliseconds that a client has for its handshake before its session may be closed because there are no descriptors. */
const LEAST_HANDSHAKE = 1_000;

/** How a connection is served. */
export interface ServeConnectionOptions {
  /**
   * Target of a client that sends no request, because the port that it connected to stands for the target. It is unauthenticated.
   *
   * @default {the one that the client asks for}
   */
  readonly target?: Endpoint | undefined;
}

/** What the server keeps of one session. */
class RunningSession {
  readonly record: SessionRecord;
  /** Undo what the session was counted as. A list that is appended to takes room for 16 more, so it is replaced. */
  leave: readonly (() => void)[] = [];
  /** The user, once the request is carried out; empty for an unauthenticated client. */
  user: string | undefined;
  /** Where the user is counted. */
  ledger: UserLedger | undefined;
  /** Resolved when the session has ended. */
  ended: Promise<void> = Promise.resolve();

  constructor(record: SessionRecord) {
    this.record = record;
  }
}

/** The running sessions of one server. */
export class Sessions {
  #options: SocksServerOptions;
  #shares: Shares;
  #timeouts: AllTimeouts;
  /** Of the sessions that begin with these options. */
  #observer: SessionObserver;
  readonly #onTrouble: (kind: TroubleKind, thrown: unknown) => void;
  /** One listener for each session on one signal would take longer the more sessions there are. */
  readonly #running = new Set<RunningSession>();
  readonly #halfOpen = new HalfOpen<RunningSession>();
  readonly #sources = new SourceLimits();
  readonly #users = new Tally();
  readonly #userRates = new UserRates();
  readonly #cut = new AbortController();
  /** Resolved when a session has ended. */
  #freed = Promise.withResolvers<void>();
  #count = 0;

  /**
   * Creates an empty set of sessions.
   *
   * @param onTrouble Called for what goes wrong beside the sessions.
   */
  constructor(options: SocksServerOptions, onTrouble: (kind: TroubleKind, thrown: unknown) => void) {
    this.#options = options;
    this.#shares = sharesOf(options);
    this.#timeouts = timeoutsOf(options);
    this.#onTrouble = onTrouble;
    this.#observer = this.#observerOf(options);
  }

  #observerOf(options: SocksServerOptions): SessionObserver {
    return {
      options,
      onError: (error) => this.makeRoom(error),
      onFailure: (thrown) => this.#onTrouble("observer", thrown),
    };
  }

  /** Number of running sessions. */
  get size(): number {
    return this.#running.size;
  }

  /** Aborted when all sessions were ended, and further ones end at once. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Returns the running sessions. */
  live(): readonly LiveSession[] {
    return [...this.#running].map(({ record }) => record.status());
  }

  /** Uses other options for later sessions. Running sessions count for the new limits. */
  update(options: SocksServerOptions): void {
    this.#options = options;
    this.#shares = sharesOf(options);
    this.#timeouts = timeoutsOf(options);
    this.#observer = this.#observerOf(options);
    if (this.#shares.sessionsPerUser === Infinity) return;
    // Users were not counted before, or in another ledger.
    for (const running of this.#running) {
      const { user } = running;
      if (user === undefined) continue;
      notify(() => this.#countUser(running, user, Infinity), (thrown) => this.#onTrouble("ledger", thrown));
    }
  }

  /** Serves one connection until it has ended. Never rejects. */
  serve(connection: Connection, { target }: ServeConnectionOptions): Promise<void> {
    const record = new SessionRecord(++this.#count, connection, this.#observer);
    const running = new RunningSession(record);
    if (this.cut.aborted) running.record.clock.abort(this.cut.reason);
    this.#running.add(running);
    running.ended = this.#run(connection, running, target).then(
      () => this.#end(running),
      (error) => {
        // A client that is not admitted, or an observer or a connection of the caller that throws: no reason to end the server.
        record.report({ type: "refused", error: asError(error) });
        closeQuietly(connection);
        this.#end(running);
      },
    );
    return running.ended;
  }

  #run(connection: Connection, running: RunningSession, target: Endpoint | undefined): Promise<void> {
    const options = this.#options;
    const { record } = running;
    try {
      this.#admit(running);
    } catch (error) {
      return Promise.reject(error);
    }
    return runSession(connection, {
      accepts: options,
      target,
      commands: options,
      timeouts: this.#timeouts,
      cutExpired: options.ticketExpiry === "cut",
      record,
      now: systemRuntime.now,
      // The limits of now, so that every session is counted for the same limits.
      enter: (identity) => this.#enter(running, userKey(identity), this.#options),
    });
  }

  #end(running: RunningSession): void {
    running.record.clock[Symbol.dispose]();
    this.#running.delete(running);
    this.#halfOpen.delete(running.record.source, running);
    for (const leave of running.leave) leave();
    this.#freed.resolve();
    this.#freed = Promise.withResolvers<void>();
  }

  /** Admits a client by its address, and counts its session, which begins its handshake. */
  #admit(running: RunningSession): void {
    const { record } = running;
    const verdict = this.#options.clients?.judge(record.client?.hostname);
    if (verdict?.allowed === false) {
      const { rule, number } = verdict;
      const because = rule === undefined ? {} : { rule: ruleLine(rule), ruleNumber: number };
      throw new SocksReplyError("NOT_ALLOWED", `Client is not allowed: ${verdict.reason}`, because);
    }
    running.leave = [this.#sources.enter(record, this.#shares)];
    // Clients that send nothing must not use up the server.
    const { halfOpen = 1_000 } = this.#options.limits ?? {};
    this.#halfOpen.add(record.source, running);
    if (this.#halfOpen.size > halfOpen) {
      this.#dropHalfOpen(`More than ${halfOpen} clients are in the handshake`);
    }
  }

  #dropHalfOpen(reason: string, age = 0): void {
    const first = this.#halfOpen.first();
    if (first === undefined || first.record.duration < age) return;
    this.#halfOpen.delete(first.record.source, first);
    first.record.clock.abort(new SocksLimitError("HALF_OPEN_LIMIT", reason));
  }

  /** Closes one session still in the handshake, if the error says that there are no descriptors left. */
  makeRoom(error: unknown): void {
    if (!isShortage(error)) return;
    this.#onTrouble("descriptors", error);
    this.#dropHalfOpen("There are no descriptors left, and this client is in the handshake", LEAST_HANDSHAKE);
  }

  /** Counts a session whose request is about to be carried out, and returns its limits. */
  #enter(running: RunningSession, user: string, options: SocksServerOptions): Bandwidth | Promise<Bandwidth> {
    const { record } = running;
    running.user = user;
    const { sessionsPerUser: limit } = this.#shares;
    let counted: boolean | Promise<boolean>;
    try {
      counted = limit === Infinity || this.#countUser(running, user, limit);
    } finally {
      // The handshake is over, even if the ledger fails.
      this.#halfOpen.delete(record.source, running);
    }
    const { bandwidthPerSession = Infinity, bandwidthPerUser = Infinity } = options.limits ?? {};
    const rates: Rate[] = [];
    if (bandwidthPerSession !== Infinity) rates.push(new Rate(bandwidthPerSession, monotonicNow));
    if (user !== "" && bandwidthPerUser !== Infinity) {
      rates.push(this.#userRates.enter(user, bandwidthPerUser, monotonicNow));
      running.leave = running.leave.concat(() => this.#userRates.leave(user));
    }
    const bandwidth = bandwidthOf(rates, record.clock);
    if (counted === true) return bandwidth;
    const admitted = (entered: boolean): Bandwidth => {
      if (!entered) throw new SocksLimitError("USER_LIMIT", `${user} has ${limit} sessions already`);
      return bandwidth;
    };
    return typeof counted === "boolean" ? admitted(counted) : counted.then(admitted);
  }

  /** Counts a session of a user in the current ledger, once. Returns a boolean if the ledger answers at once. */
  #countUser(running: RunningSession, user: string, limit: number): boolean | Promise<boolean> {
    const ledger = this.#options.userLedger ?? this.#users;
    if (user === "" || running.ledger === ledger) return true;
    running.ledger = ledger;
    const entered = ledger.enter(user, limit);
    return typeof entered === "boolean"
      ? this.#counted(running, ledger, user, entered)
      : Promise.resolve(entered).then((late) => this.#counted(running, ledger, user, late));
  }

  #counted(running: RunningSession, ledger: UserLedger, user: string, entered: boolean): boolean {
    if (!entered) return false;
    const leave = () => notify(() => ledger.leave(user), (thrown) => this.#onTrouble("ledger", thrown));
    if (this.#running.has(running)) running.leave = running.leave.concat(leave);
    else leave();
    return true;
  }

  /** Waits while there are as many sessions as the limit says, or until the signal is aborted. */
  async belowLimit(signal: AbortSignal): Promise<void> {
    while (this.#running.size >= this.#shares.sessions && !signal.aborted) {
      await this.freed(Infinity, signal);
    }
  }

  /** Waits until a session has ended, the time is over, or the signal is aborted. */
  async freed(milliseconds: number, signal: AbortSignal): Promise<void> {
    using wait = startDeadline({ milliseconds, signal, reason: () => new Error("No session has ended") });
    await abortable(this.#freed.promise, wait.signal).catch(() => {});
  }

  /** Ends a session by its number, and tells it the reason; `false` if it does not run. */
  endSession(session: number, reason: Error): boolean {
    for (const { record } of this.#running) {
      if (record.session !== session) continue;
      record.clock.abort(reason);
      return true;
    }
    return false;
  }

  /** Ends all sessions; later ones end as soon as they begin. */
  abort(reason: unknown): void {
    this.#cut.abort(reason);
    for (const { record } of this.#running) record.clock.abort(reason);
  }

  /** Waits until there are no sessions. */
  async allEnded(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running].map(({ ended }) => ended));
  }
}
