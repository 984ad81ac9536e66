/**
 * BIND of the client (RFC 1928 section 4): the proxy listens and hands over the one connection that it accepts.
 *
 * @module
 */
import { abortable, duration, onAbort, startDeadline } from "../../base/deadline.ts";
import { SocksConnectionError, SocksTimeoutError } from "../errors.ts";
import { checkEndpoint, checkSignal } from "../argument_checks.ts";
import { isUnspecified } from "../rules/special_ranges.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import { withPrefix } from "../stream/prefix.ts";
import type { Endpoint } from "../wire/address.ts";
import { Command } from "../wire/messages.ts";
import {
  type GrantedRequest,
  type ProxiedConnection,
  readGrantedReply,
  requestFromProxy,
  type ThroughOptions,
} from "./request.ts";
import { SocksConnection } from "./socks_connection.ts";

/** Options of {@linkcode bindThrough}. */
export interface BindThroughOptions extends ThroughOptions {
  /** The peer that may connect; the proxy closes connections of others. An unspecified address allows any peer. */
  readonly expected: Endpoint;
}

/** Options of {@linkcode ProxiedBind.accept}. */
export interface AcceptBindOptions {
  /** Time in milliseconds until a peer connects; `Infinity` for no limit. @default {Infinity} */
  readonly timeout?: number | undefined;
  /** Ends the wait and the connection that it returns, as the signal of the bind does. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A proxy that listens for one connection. The bind ends when its signal is aborted or the connection to the proxy is lost. Pending calls then
 * fail with the signal's reason, or with the error of the connection.
 */
export interface ProxiedBind extends Disposable, AsyncDisposable {
  /** Address where the proxy listens. Tell it to the peer that is to connect. */
  readonly bound: Endpoint;
  /**
   * Waits for the peer and returns its connection, whose `target` is the peer's address. The proxy accepts one connection, so this can be
   * called once. Closing the bind does not close the connection.
   *
   * @throws {SocksReplyError} No peer connected, or the proxy does not let it in.
   * @throws {SocksTimeoutError} `CONNECT_TIMEOUT` when the time was over. That also ends the bind.
   * @throws {SocksConnectionError} `CLOSED` when this side has closed the bind.
   * @throws {SocksProtocolError} The proxy closed the connection.
   * @throws {TypeError} It was called before.
   */
  accept(options?: AcceptBindOptions): Promise<SocksConnection>;
  /** Ends the bind if no peer has connected yet. A connection that was accepted stays open. Later calls have no effect. */
  close(): void;
  /** Makes the bind keep the process alive. This is the default. */
  ref(): void;
  /** Lets the process end while the proxy listens. */
  unref(): void;
}

/**
 * Asks a proxy to listen for one connection; throws as `connectThrough` does.
 *
 * @example
 * ```ts
 * import { bindThrough, dialTcp, noAuthentication, type SocksConnection } from "@gssocks/gssocks/socks";
 *
 * export async function acceptOne(): Promise<SocksConnection> {
 *   const pending = await bindThrough({
 *     proxy: { hostname: "proxy.example.com", port: 1080 },
 *     auth: [noAuthentication()],
 *     dial: dialTcp,
 *     expected: { hostname: "192.0.2.21", port: 0 },
 *   });
 *   return await pending.accept();
 * }
 * ```
 */
export async function bindThrough(options: BindThroughOptions): Promise<ProxiedBind> {
  const pending = await ProxyBind.open(options);
  const { signal } = options;
  return {
    bound: pending.bound,
    async accept(how = {}): Promise<SocksConnection> {
      const accepted = await pending.accept(how);
      // A signal that is aborted by now ends the connection at once.
      const made = { ...accepted, bound: pending.bound };
      return new SocksConnection(made, accepted.bound, eitherOf(signal, how.signal));
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
 * A proxy that listens, for callers that need the plain connection. The second reply is read from the start, so the loss of the proxy is noticed
 * even if no call of {@linkcode accept} waits.
 */
export class ProxyBind {
  /** Address where the proxy listens. */
  readonly bound: Endpoint;
  readonly #granted: GrantedRequest;
  readonly #accepted: Promise<ProxiedConnection>;
  readonly #listening: Disposable;
  /** Aborted at the end with the reason. */
  readonly #over = new AbortController();
  #state: "listening" | "accepting" | "accepted" = "listening";

  private constructor(granted: GrantedRequest, options: BindThroughOptions) {
    const { bound, dialled } = granted;
    const { proxy, signal } = options;
    // A proxy that reports an unspecified address is reached at the address of its own connection.
    const isUnknown = isUnspecified(bound.hostname);
    this.bound = {
      hostname: isUnknown ? dialled.remote?.hostname ?? proxy.hostname : bound.hostname,
      port: bound.port,
    };
    this.#granted = granted;
    this.#listening = onAbort(signal, (reason) => this.#end(reason));
    this.#accepted = this.#readSecondReply(options);
    this.#accepted.catch((error) => this.#end(error));
  }

  /** Asks a proxy to listen; throws as `connectThrough` does. */
  static async open(options: BindThroughOptions): Promise<ProxyBind> {
    const expected = checkEndpoint("expected", options.expected);
    const granted = await requestFromProxy(options, Command.Bind, expected);
    if (options.signal?.aborted) granted.connection.close();
    options.signal?.throwIfAborted();
    return new ProxyBind(granted, { ...options, expected });
  }

  /** RFC 1928 section 6: the second reply comes with the connection. */
  async #readSecondReply({ proxy, expected }: BindThroughOptions): Promise<ProxiedConnection> {
    const { handshake, connection, protection, identity } = this.#granted;
    const request = { command: Command.Bind, ...expected };
    const peer = await readGrantedReply(handshake, connection, { proxy, request });
    return { connection: withPrefix(connection, handshake.trailingData()), bound: peer, protection, identity };
  }

  /** Waits for the connection. Its `bound` is the peer's address. The caller must close it. */
  async accept({ timeout = Infinity, signal }: AcceptBindOptions = {}): Promise<ProxiedConnection> {
    const milliseconds = duration("timeout", timeout);
    checkSignal(signal);
    this.#over.signal.throwIfAborted();
    if (this.#state !== "listening") {
      throw new TypeError("Cannot accept: the proxy accepts one connection, and accept() was called before");
    }
    this.#state = "accepting";
    using deadline = startDeadline({
      milliseconds,
      signal,
      reason: () => new SocksTimeoutError("CONNECT_TIMEOUT", `No peer connected within ${milliseconds} ms`),
    });
    using _ = onAbort(deadline.signal, (reason) => this.#end(reason));
    const accepted = await abortable(this.#accepted, this.#over.signal);
    this.#over.signal.throwIfAborted();
    this.#state = "accepted";
    this.#listening[Symbol.dispose]();
    return accepted;
  }

  /** Ends the bind if no peer has connected yet. Later calls have no effect. */
  close(): void {
    this.#end(new SocksConnectionError("CLOSED", "Bind is closed"));
  }

  /** Makes the bind keep the process alive. */
  ref(): void {
    this.#granted.connection.ref?.();
  }

  /** Lets the process end. */
  unref(): void {
    this.#granted.connection.unref?.();
  }

  #end(reason: unknown): void {
    if (this.#over.signal.aborted || this.#state === "accepted") return;
    this.#listening[Symbol.dispose]();
    this.#over.abort(reason);
    closeQuietly(this.#granted.connection);
  }
}
