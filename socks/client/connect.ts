/**
 * CONNECT of the client (RFC 1928 section 4): a connection to a target through a proxy.
 *
 * @module
 */
import { withSignal } from "../stream/with_signal.ts";
import type { Endpoint } from "../wire/address.ts";
import { Command } from "../wire/messages.ts";
import { type ProxiedConnection, requestFromProxy, type ThroughOptions } from "./request.ts";

/** Options of {@linkcode connectThrough}. */
export interface ConnectThroughOptions extends ThroughOptions {
  /** The target. A name is sent as a name, in A-labels, and the proxy looks it up. Brackets around an IPv6 address are removed. */
  readonly target: Endpoint;
}

/**
 * Connects to a target through a proxy.
 *
 * @throws {SocksReplyError} The proxy refused the request or could not reach the target.
 * @throws {SocksProxyError} The proxy cannot be reached.
 * @throws {SocksAuthError} Authentication failed, or the protection would be too weak.
 * @throws {SocksProtocolError} The proxy broke the protocol.
 * @throws {SocksConnectionError} `LOST` when the connection to the proxy failed before the reply.
 * @throws {SocksTimeoutError} The time was over.
 * @throws {HostNameError} The target's host name is invalid; nothing was sent.
 * @throws {TypeError} An option is missing or invalid; nothing was dialled.
 *
 * @example
 * ```ts
 * import { connectThrough, dialTcp, noAuthentication } from "@gssocks/gssocks/socks";
 *
 * export async function greet(): Promise<void> {
 *   const { connection } = await connectThrough({
 *     proxy: { hostname: "proxy.example.com", port: 1080 },
 *     auth: [noAuthentication()],
 *     dial: dialTcp,
 *     target: { hostname: "intranet", port: 80 },
 *   });
 *   await connection.write(new TextEncoder().encode("hello"));
 *   connection.close();
 * }
 * ```
 */
export async function connectThrough(options: ConnectThroughOptions): Promise<ProxiedConnection> {
  const { signal, target } = options;
  const { connection, bound, protection, identity } = await requestFromProxy(options, Command.Connect, target);
  return { connection: withSignal(connection, signal), bound, protection, identity };
}
