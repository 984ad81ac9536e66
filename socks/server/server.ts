/**
 * The server: accepts connections from its listeners, and stops.
 *
 * @module
 */
import { aborted, duration, onAbort, pause, startDeadline } from "../../base/deadline.ts";
import { Rate } from "../../base/rate.ts";
import { monotonicNow } from "../../base/runtime.ts";
import { checkSignal } from "../argument_checks.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import type { Connection } from "../stream/connection.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import { untilSettled } from "../stream/settling.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import { type ServerHealth, type TroubleKind, Troubles } from "./health.ts";
import { checkServerOptions, type ShutdownOptions, type SocksServerOptions } from "./options.ts";
import { type ServeConnectionOptions, Sessions } from "./sessions.ts";
import type { LiveSession } from "./status.ts";

/** Longest pause in milliseconds after an accept that failed, for example because there are no file descriptors left. */
const ACCEPT_PAUSE = 100;

/**
 * A SOCKS server.
 *
 * @example Serves a stream, without authentication
 * ```ts
 * import { connectionFromStreams, noAuthentication, SocksServer } from "@gssocks/gssocks/socks";
 *
 * await using server = new SocksServer({
 *   auth: [noAuthentication()],
 *   open: () => Promise.reject(new Error("there is no target")),
 * });
 * // A client that ends before it has sent anything.
 * const streams = { readable: new Blob([]).stream(), writable: new WritableStream<Uint8Array>() };
 * await server.serve(connectionFromStreams(streams));
 * ```
 */
export class SocksServer implements AsyncDisposable {
  #options: SocksServerOptions;
  readonly #sessions: Sessions;
  readonly #listeners = new Set<ConnectionListener>();
  /** Accepts under way: a connection may have been accepted when the server stops. */
  readonly #accepting = new Set<Promise<unknown>>();
  readonly #troubles = new Troubles();
  /** Aborted when the server stops to accept. */
  readonly #stopping = new AbortController();
  /** Stops listening to the signal of the options. */
  readonly #signal: Disposable | undefined;
  #accepts: Rate | undefined;

  /**
   * Creates a server that does not listen yet.
   *
   * @param options Options of the server.
   * @throws {TypeError} When there is no authentication method or one is not a method, a protocol is unknown, a time or a limit is not
   * a number of 0 or more, or the signal is not a signal.
   */
  constructor(options: SocksServerOptions) {
    checkServerOptions(options);
    this.#options = options;
    this.#sessions = new Sessions(options, (kind, thrown) => this.#note(kind, thrown));
    this.update(options);
    this.#signal = onAbort(checkSignal(options.signal), (reason) => this.#abort(reason));
  }

  /**
   * Changes the options. Running sessions keep the options that they began with, but count for the new limits; they use new rules where
   * {@linkcode ServedCommands} ask for them again. The signal stays the first one. After the end of the server this has no effect.
   *
   * @throws {TypeError} As the constructor; nothing is changed then.
   */
  update(options: SocksServerOptions): void {
    checkServerOptions(options);
    if (this.#sessions.cut.aborted) return;
    this.#options = options;
    const { acceptsPerSecond: perSecond = Infinity } = options.limits ?? {};
    if (!Number.isFinite(perSecond)) this.#accepts = undefined;
    else if (this.#accepts === undefined) this.#accepts = new Rate(perSecond, monotonicNow);
    else this.#accepts.change(perSecond);
    this.#sessions.update(options);
  }

  /** Number of running sessions. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Resolved when the server stops to accept. */
  get stopped(): Promise<void> {
    return aborted(this.#stopping.signal);
  }

  /** Returns the running sessions, as they are now. */
  liveSessions(): readonly LiveSession[] {
    return this.#sessions.live();
  }

  /** Returns what goes wrong beside the sessions. */
  health(): ServerHealth {
    return this.#troubles.health();
  }

  /**
   * Accepts from a listener until the listener is closed or the server stops. The listener is closed then.
   *
   * @param options Where its clients go, if they send no request.
   */
  async listen(listener: ConnectionListener, options: ServeConnectionOptions = {}): Promise<void> {
    this.#listeners.add(listener);
    const { signal } = this.#stopping;
    let accepting: Promise<Connection | undefined> | undefined;
    const accept = () => {
      if (accepting !== undefined) this.#accepting.delete(accepting);
      this.#accepting.add(accepting = listener.accept());
      return accepting;
    };
    try {
      for (;;) {
        let connection: Connection | undefined;
        try {
          connection = await makeUnlessAborted(accept, signal, (late) => late && void this.serve(late, options));
        } catch (error) {
          if (signal.aborted) return;
          this.#note("accept", error);
          this.#sessions.makeRoom(error);
          await this.#sessions.freed(ACCEPT_PAUSE, signal);
          continue;
        }
        if (connection === undefined) return;
        void this.serve(connection, options);
        await this.#sessions.belowLimit(signal);
        const owed = this.#accepts?.take(1) ?? 0;
        if (owed > 0) await pause(owed, signal);
      }
    } finally {
      this.#listeners.delete(listener);
      closeQuietly(listener);
      // The port is free once the last accept has ended.
      if (accepting !== undefined) {
        await untilSettled([accepting]);
        this.#accepting.delete(accepting);
      }
    }
  }

  /** Serves one connection until it has ended: for connections that do not come from a listener. Never rejects. */
  serve(connection: Connection, options: ServeConnectionOptions = {}): Promise<void> {
    return this.#sessions.serve(connection, options);
  }

  /**
   * Ends a session by its number, as {@linkcode LiveSession} and events have it.
   *
   * @param reason The error of its last event.
   * @returns Whether there was one.
   */
  endSession(session: number, reason: Error = new Error("Session was ended by the server's operator")): boolean {
    return this.#sessions.endSession(session, reason);
  }

  #note(kind: TroubleKind, thrown: unknown): void {
    const { onTrouble } = this.#options;
    this.#troubles.note(kind, thrown, onTrouble && ((trouble) => onTrouble(trouble)));
  }

  /** Stops listening to the signal, which may live longer than the server, and ends everything. */
  #abort(reason: unknown): void {
    this.#signal?.[Symbol.dispose]();
    this.#stop();
    this.#sessions.abort(reason);
  }

  #stop(): void {
    this.#stopping.abort();
    for (const listener of this.#listeners) closeQuietly(listener);
  }

  /**
   * Stops to accept, waits for the running sessions until the deadline, and ends those that are left. May be called again; the earliest
   * deadline counts.
   *
   * @throws {TypeError} When the deadline is not a time; nothing is stopped then.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const milliseconds = duration("deadline", options.deadline ?? Infinity);
    this.#stop();
    // A connection that is accepted at the last moment is served like the others.
    await untilSettled([...this.#accepting]);
    using deadline = startDeadline({ milliseconds, reason: () => new Error("Server is shutting down") });
    using _cut = onAbort(deadline.signal, (reason) => this.#abort(reason));
    await this.#sessions.allEnded();
    this.#abort(new Error("Server is shut down"));
  }

  /** Ends the server at once, with all its sessions. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort(new Error("Server is shutting down"));
    await this.#sessions.allEnded();
  }
}
