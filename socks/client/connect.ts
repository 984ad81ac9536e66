/**
 * Connects to a target through a proxy (CONNECT, RFC 1928 section 4).
 *
 * @module
 */
import { endedBy } from "../stream/ended_by.ts";
import type { Endpoint } from "../wire/address.ts";
import { type ProxiedConnection, requestThrough, type ThroughOptions } from "./request.ts";
import { Command } from "../wire/messages.ts";

/** How a target is reached. */
export interface ConnectThroughOptions extends ThroughOptions {
  /** Target. A name is sent as a name, in A-labels, for the proxy to look up; brackets around an IPv6 address are taken off. */
  readonly target: Endpoint;
}

/**
 * Connects through a proxy.
 *
 * @throws {SocksReplyError} The proxy could not reach the target, or would not.
 * @throws {SocksProxyError} There is no reaching the proxy.
 * @throws {SocksAuthError} The proxy did not accept this side, or would have protected the connection too weakly.
 * @throws {SocksProtocolError} The proxy broke the protocol.
 * @throws {SocksConnectionError} `LOST` when the connection to the proxy failed before the answer.
 * @throws {SocksTimeoutError} It took too long.
 * @throws {HostNameError} No host can be called what the target is called; nothing was sent then.
 * @throws {TypeError} An option is missing, or is not what it must be; nothing was dialled then.
 */
export async function connectThrough(options: ConnectThroughOptions): Promise<ProxiedConnection> {
  const { signal } = options;
  const { connection, bound, protection, identity } = await requestThrough(options, Command.Connect, options.target);
  return { connection: endedBy(connection, signal), bound, protection, identity };
}
