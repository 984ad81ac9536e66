/**
 * The client's side of BIND (RFC 1928 section 4): the proxy listens, and gives its one connection to this side.
 *
 * @module
 */
import { startDeadline } from "../gss/deadline.ts";
import { grantedReply, type ProxiedConnection, requestThrough, type ThroughOptions } from "./client.ts";
import { SocksTimeoutError } from "./errors.ts";
import { isUnspecified } from "./rules/special_ranges.ts";
import { withPrefix } from "./stream/connection.ts";
import type { Endpoint } from "./wire/address.ts";
import { Command } from "./wire/messages.ts";

/** What {@linkcode bindThrough} takes. */
export interface BindThroughOptions extends ThroughOptions {
  /** Where the connection is expected from; proxies close others. An unspecified address stands for anywhere. */
  readonly expected: Endpoint;
}

/** A proxy that listens. */
export interface ProxiedBind extends AsyncDisposable {
  /** Where it listens: to be told to whoever is to connect. */
  readonly bound: Endpoint;
  /**
   * The connection, once it has come; its `bound` is where it came from. To be called once.
   *
   * @throws {SocksReplyError} Nobody came, or not from where the proxy lets in.
   */
  accept(options?: { readonly timeout?: number; readonly signal?: AbortSignal }): Promise<ProxiedConnection>;
  /** Gives up. May be called again. */
  close(): void;
}

/** Has a proxy listen for one connection; throws as `connectThrough` does. */
export async function bindThrough(options: BindThroughOptions): Promise<ProxiedBind> {
  const { proxy, expected } = options;
  const { connection, bound, channel, dialled, handshake } = await requestThrough(options, Command.Bind, expected);
  // Proxies that listen on all of their addresses say so, which is no use to anybody.
  const unspecified = isUnspecified(bound.hostname);
  const close = () => connection.close();
  return {
    bound: { hostname: unspecified ? dialled.remote?.hostname ?? proxy.hostname : bound.hostname, port: bound.port },
    close,
    async accept({ timeout = Infinity, signal } = {}): Promise<ProxiedConnection> {
      using deadline = startDeadline({
        milliseconds: timeout,
        signal,
        reason: () => new SocksTimeoutError("CONNECT_TIMEOUT", `Nobody connected within ${timeout} ms`),
      });
      deadline.signal.addEventListener("abort", close, { once: true });
      try {
        deadline.signal.throwIfAborted();
        const request = { command: Command.Bind, ...expected };
        const peer = await grantedReply(handshake, connection, { proxy, request });
        const { protection, identity } = channel;
        return { connection: withPrefix(connection, handshake.trailingData()), bound: peer, protection, identity };
      } catch (error) {
        close();
        throw deadline.signal.aborted ? deadline.signal.reason : error;
      } finally {
        deadline.signal.removeEventListener("abort", close);
      }
    },
    [Symbol.asyncDispose](): Promise<void> {
      close();
      return Promise.resolve();
    },
  };
}
