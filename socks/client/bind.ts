/**
 * The client's side of BIND (RFC 1928 section 4): the proxy listens, and gives its one connection to this side.
 *
 * @module
 */
import { abortable, duration, startDeadline } from "../../base/deadline.ts";
import {
  grantedReply,
  type GrantedRequest,
  type ProxiedConnection,
  requestThrough,
  type ThroughOptions,
} from "./request.ts";
import { SocksConnectionError, SocksTimeoutError } from "../errors.ts";
import { checkEndpoint, checkSignal } from "../argument_checks.ts";
import { isUnspecified } from "../rules/special_ranges.ts";
import { SocksConnection } from "./socks_connection.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import { withPrefix } from "../stream/prefix.ts";
import type { Endpoint } from "../wire/address.ts";
import { Command } from "../wire/messages.ts";

/** What {@linkcode bindThrough} takes. */
export interface BindThroughOptions extends ThroughOptions {
  /** Where the connection is expected from; proxies close others. An unspecified address stands for anywhere. */
  readonly expected: Endpoint;
}

/** What {@linkcode ProxiedBind.accept} takes. */
export interface AcceptBindOptions {
  /** Time until somebody connects, in milliseconds; `Infinity` for no limit. @default {Infinity} */
  readonly timeout?: number | undefined;
  /** Ends the wait and the connection that comes of it, as the signal that the bind was opened with does. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A proxy that listens. It ends with the signal that it was opened with, and when the proxy is lost; what waits then fails with the
 * signal's reason, or with what became of the proxy.
 */
export interface ProxiedBind extends Disposable, AsyncDisposable {
  /** Where it listens: to be told to whoever is to connect. */
  readonly bound: Endpoint;
  /**
   * The connection, once it has come, which is what `connect` gives: its `target` is where it came from. A proxy gives one and listens no
   * more, so this can be called once. The connection is not closed with the bind.
   *
   * @throws {SocksReplyError} Nobody came, or not from where the proxy lets in.
   * @throws {SocksTimeoutError} `CONNECT_TIMEOUT` when the time was over before anybody came. That is the bind's end, too.
   * @throws {SocksConnectionError} `CLOSED` when this side has closed the bind.
   * @throws {SocksProtocolError} The proxy has hung up.
   * @throws {TypeError} It was called before.
   */
  accept(options?: AcceptBindOptions): Promise<SocksConnection>;
  /** Gives up, while nobody has come; the connection that has come stays. May be called again. */
  close(): void;
  /** Has it keep the process going, as it does from the start. */
  ref(): void;
  /** Lets the process end although the proxy listens. */
  unref(): void;
}

/** Has a proxy listen for one connection; throws as `connectThrough` does. */
export async function bindThrough(options: BindThroughOptions): Promise<ProxiedBind> {
  const pending = await PendingThrough.open(options);
  const { signal } = options;
  return {
    bound: pending.bound,
    async accept(how = {}): Promise<SocksConnection> {
      const came = await pending.accept(how);
      // A signal that is aborted by now ends it at once.
      const made = { ...came, bound: pending.bound };
      return new SocksConnection(made, came.bound, eitherOf(signal, how.signal));
    },
    close: () => pending.close(),
    ref: () => pending.ref(),
    unref: () => pending.unref(),
    [Symbol.dispose]: () => pending.close(),
    [Symbol.asyncDispose](): Promise<void> {
      pending.close();
      return Promise.resolve();
    },
  };
}

function eitherOf(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return AbortSignal.any([one, other]);
}

/**
 * A proxy that listens, and what comes of it for whoever goes on with the inner connection. What the proxy says is read from the start,
 * so that the end of a proxy is noticed although nobody waits.
 */
export class PendingThrough {
  /** Where it listens. */
  readonly bound: Endpoint;
  readonly #granted: GrantedRequest;
  readonly #came: Promise<ProxiedConnection>;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#end(this.#signal!.reason);
  /** Aborted with why it has ended. */
  readonly #over = new AbortController();
  #state: "listening" | "accepting" | "accepted" = "listening";

  private constructor(granted: GrantedRequest, options: BindThroughOptions) {
    const { bound, dialled } = granted;
    const { proxy, signal } = options;
    // Proxies that listen on all of their addresses say so, which is no use to anybody.
    const unspecified = isUnspecified(bound.hostname);
    this.bound = {
      hostname: unspecified ? dialled.remote?.hostname ?? proxy.hostname : bound.hostname,
      port: bound.port,
    };
    this.#granted = granted;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#came = this.#awaited(options);
    this.#came.catch((error) => this.#end(error));
  }

  /** Has a proxy listen; throws as `connectThrough` does. */
  static async open(options: BindThroughOptions): Promise<PendingThrough> {
    const expected = checkEndpoint("expected", options.expected);
    const granted = await requestThrough(options, Command.Bind, expected);
    if (options.signal?.aborted) granted.connection.close();
    options.signal?.throwIfAborted();
    return new PendingThrough(granted, { ...options, expected });
  }

  async #awaited({ proxy, expected }: BindThroughOptions): Promise<ProxiedConnection> {
    const { handshake, connection, protection, identity } = this.#granted;
    const peer = await grantedReply(handshake, connection, { proxy, request: { command: Command.Bind, ...expected } });
    return { connection: withPrefix(connection, handshake.trailingData()), bound: peer, protection, identity };
  }

  /** The connection, once it has come; its `bound` is where it came from. It is the caller's to end. */
  async accept({ timeout = Infinity, signal }: AcceptBindOptions = {}): Promise<ProxiedConnection> {
    const milliseconds = duration("timeout", timeout);
    checkSignal(signal);
    this.#over.signal.throwIfAborted();
    if (this.#state !== "listening") {
      throw new TypeError("Cannot accept: the proxy gives one connection, and it was asked for before");
    }
    this.#state = "accepting";
    using deadline = startDeadline({
      milliseconds,
      signal,
      reason: () => new SocksTimeoutError("CONNECT_TIMEOUT", `Nobody connected within ${milliseconds} ms`),
    });
    const end = () => this.#end(deadline.signal.reason);
    deadline.signal.addEventListener("abort", end, { once: true });
    if (deadline.signal.aborted) end();
    const came = await abortable(this.#came, this.#over.signal);
    this.#over.signal.throwIfAborted();
    this.#state = "accepted";
    this.#signal?.removeEventListener("abort", this.#onAbort);
    return came;
  }

  /** Gives up, while nobody has come. May be called again. */
  close(): void {
    this.#end(new SocksConnectionError("CLOSED", "Bind is closed"));
  }

  /** Has it keep the process going. */
  ref(): void {
    this.#granted.connection.ref?.();
  }

  /** Lets the process end. */
  unref(): void {
    this.#granted.connection.unref?.();
  }

  #end(reason: unknown): void {
    if (this.#over.signal.aborted || this.#state === "accepted") return;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#over.abort(reason);
    closeQuietly(this.#granted.connection);
  }
}
