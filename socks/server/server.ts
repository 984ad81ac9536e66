/**
 * The server: accepts connections within its limits and runs a session for each.
 *
 * @module
 */
import { abortable, aborted, duration, pause, startDeadline } from "../../base/deadline.ts";
import { monotonicNow, systemRuntime } from "../../base/runtime.ts";
import { SocksLimitError, SocksReplyError } from "../errors.ts";
import { asError } from "../../base/reason.ts";
import { checkSignal } from "../argument_checks.ts";
import { Running } from "./running_session.ts";
import { isShortage, type ServerHealth, type TroubleKind, Troubles, watching } from "./health.ts";
import { HalfOpen } from "./limits/half_open.ts";
import {
  gateFor,
  networkLimit,
  sharesOf,
  sourceLimit,
  Tally,
  type UserLedger,
  userLimit,
  UserRates,
} from "./limits/limits.ts";
import { networkName } from "../wire/networks.ts";
import { Rate } from "../../base/rate.ts";
import type { Gate } from "./relay/relay.ts";
import { ruleLine } from "../rules/rule.ts";
import { userKey } from "../rules/users.ts";
import {
  checkServerOptions,
  type LiveSession,
  type ShutdownOptions,
  type SocksServerOptions,
  timeoutsOf,
} from "./options.ts";
import { runSession, type SessionEvent } from "./session.ts";
import type { Connection } from "../stream/connection.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import { untilSettled } from "../stream/settling.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";

/** Longest pause after an accept that failed, for example because there are no file descriptors left. */
const ACCEPT_PAUSE = 100;

/** Where there are no descriptors, a client has so many milliseconds to say what it wants before it makes room. */
const SETTLED = 1_000;

/** A SOCKS server. */
export class SocksServer implements AsyncDisposable {
  #options: SocksServerOptions;
  readonly #listeners = new Set<ConnectionListener>();
  /** Accepts under way: a client may have been accepted when it is decided that nobody is any more. */
  readonly #accepting = new Set<Promise<unknown>>();
  /** Sessions under way. A listener each on one signal would take longer the more there are. */
  readonly #sessions = new Set<Running>();
  /** Those of them that have not said what they want. */
  readonly #halfOpen = new HalfOpen<Running>();
  readonly #troubles = new Troubles();
  readonly #sources = new Tally();
  readonly #networks = new Tally();
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
  /** Resolved when a session has ended. */
  #freed = Promise.withResolvers<void>();

  /**
   * Makes one.
   *
   * @param options How it behaves.
   * @throws {TypeError} When no authentication method is given or one is none, a protocol is not known, a time or a limit is none, or the
   * signal is something else.
   */
  constructor(options: SocksServerOptions) {
    this.#options = options;
    this.update(options);
    const signal = checkSignal(options.signal);
    this.#signal = signal;
    if (signal?.aborted) this.#abort(signal.reason);
    else signal?.addEventListener("abort", this.#onSignal, { once: true });
  }

  /**
   * Behaves otherwise from now on. Sessions under way go on as they began, and count for the new limits; rules are theirs where
   * {@linkcode ServedCommands} ask for them anew. The signal stays the first one. Once the server has ended this has no effect.
   *
   * @throws {TypeError} As the constructor; nothing is changed then.
   */
  update(options: SocksServerOptions): void {
    checkServerOptions(options);
    if (this.#cut.signal.aborted) return;
    this.#options = options;
    const { acceptsPerSecond: perSecond = Infinity } = options.limits ?? {};
    if (!Number.isFinite(perSecond)) this.#accepts = undefined;
    else if (this.#accepts === undefined) this.#accepts = new Rate(perSecond, monotonicNow);
    else this.#accepts.change(perSecond);
    if (sharesOf(options).sessionsPerUser === Infinity) return;
    // Users were not counted before, or elsewhere.
    for (const running of this.#sessions) {
      const { entered, identity } = running;
      if (!entered || identity === undefined) continue;
      watching(() => this.#countUser(running, userKey(identity), Infinity), (thrown) => this.#note("ledger", thrown));
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

  /** How it stands: what goes wrong beside the sessions. */
  health(): ServerHealth {
    return this.#troubles.health();
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
          connection = await makeUnlessAborted(accept, signal, (late) => late && void this.serve(late));
        } catch (error) {
          if (signal.aborted) return;
          this.#note("accept", error);
          this.#makeRoom(error);
          await this.#room(ACCEPT_PAUSE);
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
      closeQuietly(listener);
      // Its port is free once that is over.
      if (accepting !== undefined) {
        await untilSettled([accepting]);
        this.#accepting.delete(accepting);
      }
    }
  }

  /** Serves one connection to its end: for connections that come from elsewhere than a listener. Never rejects. */
  serve(connection: Connection): Promise<void> {
    const running = new Running(++this.#count, connection);
    if (this.#cut.signal.aborted) running.clock.abort(this.#cut.signal.reason);
    this.#sessions.add(running);
    running.ended = this.#run(connection, running);
    return running.ended;
  }

  async #run(connection: Connection, running: Running): Promise<void> {
    const onEvent = this.#observer(running, this.#options);
    try {
      const refusal = this.#refusal(running);
      if (refusal === undefined) return await this.#serve(connection, running, onEvent);
      onEvent({ type: "refused", error: refusal });
      closeQuietly(connection);
    } catch (error) {
      // What others have made may do anything, and is no reason to end the server.
      onEvent({ type: "refused", error: asError(error) });
      closeQuietly(connection);
    } finally {
      this.#end(running);
    }
  }

  #serve(connection: Connection, running: Running, onEvent: (event: SessionEvent) => void): Promise<void> {
    const options = this.#options;
    this.#openHalf(running);
    return runSession(connection, {
      auth: options.auth,
      preferGssapi: options.preferGssapi ?? false,
      protocols: options.protocols ?? [],
      tellReasons: options.tellReasons,
      open: options.open,
      bind: options.bind,
      associate: options.associate,
      resolve: options.resolve,
      timeouts: timeoutsOf(options),
      cutExpired: options.ticketExpiry === "cut",
      clock: running.clock,
      status: running,
      source: running.source,
      now: systemRuntime.now,
      get gate(): Gate | undefined {
        return running.gate;
      },
      admit: (length) => running.rates.every((rate) => rate.tryTake(length)),
      // Limits are the ones of now, so that all who are counted are counted alike.
      enter: (identity) => this.#enter(running, userKey(identity), this.#options),
      onEvent,
    });
  }

  #end(running: Running): void {
    running.clock[Symbol.dispose]();
    this.#sessions.delete(running);
    this.#halfOpen.delete(running.source, running);
    for (const leave of running.leave) leave();
    this.#freed.resolve();
    this.#freed = Promise.withResolvers<void>();
  }

  /** Whoever watches has no say in what happens to a session, or to the server. */
  #observer({ session, client }: Running, options: SocksServerOptions): (event: SessionEvent) => void {
    return (event) => {
      const { onEvent } = options;
      if ("error" in event && isShortage(event.error)) this.#makeRoom(event.error);
      if (onEvent === undefined) return;
      watching(() => onEvent({ ...event, session, client }), (thrown) => this.#note("observer", thrown));
    };
  }

  #note(kind: TroubleKind, thrown: unknown): void {
    const { onTrouble } = this.#options;
    this.#troubles.note(kind, thrown, onTrouble && ((trouble) => onTrouble(trouble)));
  }

  /** Where there are no descriptors left, one who has said nothing yet makes room for others. */
  #makeRoom(error: unknown): void {
    if (!isShortage(error)) return;
    this.#note("descriptors", error);
    this.#dropHalfOpen("There are no descriptors left, and this client has not said what it wants", SETTLED);
  }

  /** Why a client is not even listened to. */
  #refusal(running: Running): Error | undefined {
    const { clients } = this.#options;
    const { sessionsPerSource, sessionsPerNetwork } = sharesOf(this.#options);
    const verdict = clients?.judge(running.client?.hostname);
    if (verdict?.allowed === false) {
      const { rule } = verdict;
      const because = { ...(rule === undefined ? {} : { rule: ruleLine(rule) }) };
      return new SocksReplyError("NOT_ALLOWED", `Client is not allowed: ${verdict.reason}`, because);
    }
    const { source } = running;
    const network = networkName(running.client);
    if (network === undefined) return undefined;
    // Counted without a limit too, for the day that there is one.
    if (!this.#sources.enter(source, sessionsPerSource)) return sourceLimit(source, sessionsPerSource);
    running.leave.push(() => this.#sources.leave(source));
    if (!this.#networks.enter(network, sessionsPerNetwork)) return networkLimit(network, sessionsPerNetwork);
    running.leave.push(() => this.#networks.leave(network));
    return undefined;
  }

  /** Somebody who opens many connections and says nothing must not keep others out. */
  #openHalf(running: Running): void {
    const { halfOpen = 1_000 } = this.#options.limits ?? {};
    this.#halfOpen.add(running.source, running);
    if (this.#halfOpen.size > halfOpen) {
      this.#dropHalfOpen(`More than ${halfOpen} clients have said nothing yet`);
    }
  }

  #dropHalfOpen(reason: string, age = 0): void {
    const first = this.#halfOpen.first();
    if (first === undefined || first.duration < age) return;
    this.#halfOpen.delete(first.source, first);
    first.clock.abort(new SocksLimitError("HALF_OPEN_LIMIT", reason));
  }

  /** A client is about to have its request carried out. */
  #enter(running: Running, user: string, options: SocksServerOptions): Promise<void> | undefined {
    this.#halfOpen.delete(running.source, running);
    running.entered = true;
    const { bandwidthPerSession = Infinity, bandwidthPerUser = Infinity } = options.limits ?? {};
    const { sessionsPerUser: limit } = sharesOf(options);
    const { rates, clock: { signal } } = running;
    if (bandwidthPerSession !== Infinity) rates.push(new Rate(bandwidthPerSession, monotonicNow));
    if (user !== "" && bandwidthPerUser !== Infinity) {
      rates.push(this.#userRates.enter(user, bandwidthPerUser, monotonicNow));
      running.leave.push(() => this.#userRates.leave(user));
    }
    running.gate = gateFor(rates, signal);
    if (user === "" || limit === Infinity) return undefined;
    const counted = this.#countUser(running, user, limit);
    const refuse = (entered: boolean): void => {
      if (!entered) throw userLimit(user, limit);
    };
    if (typeof counted !== "boolean") return counted.then(refuse);
    refuse(counted);
    return undefined;
  }

  /** Counts a session of a user where users are counted now, once: at once where the ledger answers at once. */
  #countUser(running: Running, user: string, limit: number): boolean | Promise<boolean> {
    const ledger = this.#options.userLedger ?? this.#users;
    if (user === "" || running.ledger === ledger) return true;
    running.ledger = ledger;
    const entered = ledger.enter(user, limit);
    return typeof entered === "boolean"
      ? this.#counted(running, ledger, user, entered)
      : Promise.resolve(entered).then((late) => this.#counted(running, ledger, user, late));
  }

  #counted(running: Running, ledger: UserLedger, user: string, entered: boolean): boolean {
    if (!entered) return false;
    const leave = () => watching(() => ledger.leave(user), (thrown) => this.#note("ledger", thrown));
    if (this.#sessions.has(running)) running.leave.push(leave);
    else leave();
    return true;
  }

  async #waitForRoom(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#sessions.size >= sharesOf(this.#options).sessions && !signal.aborted) await this.#room(Infinity);
  }

  /** Waits until a session has ended, and no longer than so many milliseconds, or until nobody is accepted any more. */
  async #room(milliseconds: number): Promise<void> {
    using wait = startDeadline({
      milliseconds,
      signal: this.#stopping.signal,
      reason: () => new Error("No session has ended"),
    });
    await abortable(this.#freed.promise, wait.signal).catch(() => {});
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
    for (const listener of this.#listeners) closeQuietly(listener);
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
    await untilSettled([...this.#accepting]);
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
