/**
 * The server: accepts connections within its limits and runs a session for each.
 *
 * @module
 */
import { aborted, type Deadline, startDeadline } from "../gss/deadline.ts";
import type { ServerAuthMethod } from "./auth/method.ts";
import { type OpenTarget, runSession, type SessionEvent } from "./session.ts";
import type { Connection } from "./stream/connection.ts";
import type { ConnectionListener } from "./stream/deno.ts";
import type { Endpoint } from "./wire/address.ts";

/** How a server behaves, whatever it listens on. Times are in milliseconds. */
export interface SocksServerOptions {
  /** Methods accepted, in order of preference. */
  readonly auth: readonly ServerAuthMethod[];
  /** Whether a client that offers GSS-API must use it although "none" would do. @default {false} */
  readonly preferGssapi?: boolean | undefined;
  /** Decides about requests and connects to targets. */
  readonly open: OpenTarget;
  /** Time for greeting, authentication and request. @default {10000} */
  readonly handshakeTimeout?: number | undefined;
  /** Time for reaching a target. @default {30000} */
  readonly connectTimeout?: number | undefined;
  /** Time without an octet either way after which a connection is closed. @default {Infinity} */
  readonly idleTimeout?: number | undefined;
  /** Sessions at one time; further clients wait to be accepted. @default {10000} */
  readonly maxSessions?: number | undefined;
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

/** How a server is stopped. */
export interface ShutdownOptions {
  /** Time that sessions have left to end by themselves, in milliseconds. @default {Infinity} */
  readonly deadline?: number;
}

/** A pause after an accept that failed, for example because there are no file descriptors left. */
const ACCEPT_PAUSE = 100;

/** A SOCKS server. */
export class SocksServer implements AsyncDisposable {
  readonly #options: SocksServerOptions;
  readonly #listeners = new Set<ConnectionListener>();
  /** Sessions under way by their clocks. A listener each on one signal would take longer the more there are. */
  readonly #sessions = new Map<Deadline, Promise<void>>();
  readonly #cut = new AbortController();
  readonly #stopping = Promise.withResolvers<void>();
  #count = 0;
  #room = Promise.withResolvers<void>();

  /**
   * Makes one.
   *
   * @param options How it behaves.
   */
  constructor(options: SocksServerOptions) {
    if (options.auth.length === 0) throw new TypeError("Cannot serve: no authentication method is given");
    this.#options = options;
    const { signal } = options;
    if (signal?.aborted) this.#abort(signal.reason);
    else signal?.addEventListener("abort", () => this.#abort(signal.reason), { once: true });
  }

  /** Sessions under way. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Accepts from a listener until it is closed or the server stops; the listener is closed then. */
  async listen(listener: ConnectionListener): Promise<void> {
    this.#listeners.add(listener);
    if (this.#cut.signal.aborted) listener.close();
    try {
      for (;;) {
        let connection: Connection | undefined;
        try {
          connection = await listener.accept();
        } catch {
          await this.#pause();
          continue;
        }
        if (connection === undefined) return;
        void this.serve(connection);
        await this.#waitForRoom();
      }
    } finally {
      this.#listeners.delete(listener);
      listener.close();
    }
  }

  /** Serves one connection to its end: for connections that come from elsewhere than a listener. Never rejects. */
  serve(connection: Connection): Promise<void> {
    const clock = startDeadline({
      milliseconds: Infinity,
      reason: () => new Error("unreachable: there is no time limit"),
    });
    if (this.#cut.signal.aborted) clock.abort(this.#cut.signal.reason);
    const session = this.#run(connection, clock);
    this.#sessions.set(clock, session);
    return session;
  }

  async #run(connection: Connection, clock: Deadline): Promise<void> {
    const { options, number, client } = { options: this.#options, number: ++this.#count, client: connection.remote };
    await runSession(connection, {
      auth: options.auth,
      preferGssapi: options.preferGssapi ?? false,
      open: options.open,
      handshakeTimeout: options.handshakeTimeout ?? 10_000,
      connectTimeout: options.connectTimeout ?? 30_000,
      idleTimeout: options.idleTimeout ?? Infinity,
      clock,
      onEvent: (event) => options.onEvent?.({ ...event, session: number, client }),
    });
    clock[Symbol.dispose]();
    this.#sessions.delete(clock);
    this.#room.resolve();
    this.#room = Promise.withResolvers<void>();
  }

  async #waitForRoom(): Promise<void> {
    while (this.#sessions.size >= (this.#options.maxSessions ?? 10_000) && !this.#cut.signal.aborted) {
      await Promise.race([this.#room.promise, this.#stopping.promise]);
    }
  }

  async #pause(): Promise<void> {
    using pause = startDeadline({
      milliseconds: ACCEPT_PAUSE,
      signal: this.#cut.signal,
      reason: () => new Error("pause is over"),
    });
    await aborted(pause.signal);
  }

  #abort(reason: unknown): void {
    this.#cut.abort(reason);
    this.#stopping.resolve();
    for (const clock of this.#sessions.keys()) clock.abort(reason);
    for (const listener of this.#listeners) listener.close();
  }

  /** Accepts nobody any more, waits for the sessions under way until the deadline, and cuts those that are left. */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    const milliseconds = options.deadline ?? Infinity;
    using deadline = startDeadline({ milliseconds, reason: () => new Error("Server is shutting down") });
    deadline.signal.addEventListener("abort", () => this.#abort(deadline.signal.reason), { once: true });
    while (this.#sessions.size > 0) await Promise.all(this.#sessions.values());
    this.#abort(new Error("Server is shut down"));
  }

  /** Ends the server at once, with all its sessions. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort(new Error("Server is shutting down"));
    while (this.#sessions.size > 0) await Promise.all(this.#sessions.values());
  }
}
