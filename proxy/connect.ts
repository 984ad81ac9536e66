/**
 * Calls of a client through a proxy.
 *
 * @module
 */
import type { ProxiedBind } from "../socks/client/bind.ts";
import type { SocksDatagrams } from "../socks/client/datagrams.ts";
import type { SocksConnection } from "../socks/client/socks_connection.ts";
import {
  associateOn,
  bindOn,
  type BindOptions,
  connectOn,
  type ConnectOptions,
  connectTlsOn,
  type ConnectTlsOptions,
  type RequestOptions,
  resolveOn,
  type ResolveOptions,
} from "./calls.ts";
import { system } from "./default_system.ts";

/**
 * Connects to a target through a SOCKS5 proxy, in the manner of `Deno.connect`.
 *
 * @throws {SocksReplyError} The proxy cannot or will not reach the target.
 * @throws {SocksProxyError} The proxy cannot be reached itself.
 * @throws {SocksAuthError} Authentication failed, or the protection would be too weak.
 * @throws {SocksProtocolError} The proxy broke the protocol.
 * @throws {SocksConnectionError} `LOST` when the connection to the proxy failed before the answer.
 * @throws {SocksTimeoutError} It took too long.
 * @throws {HostNameError} The name of the target is not a host name; nothing was sent then.
 * @throws {TypeError} An option is missing, is invalid, or excludes another; nothing was dialled then.
 *
 * @example
 * ```ts
 * import { connect } from "@gssocks/gssocks";
 *
 * export async function fetchPage(): Promise<string> {
 *   await using connection = await connect({ proxy: "proxy.example.com:1080", hostname: "intranet", port: 80 });
 *   await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
 *   return await new Response(connection.readable).text();
 * }
 * ```
 */
export async function connect(options: ConnectOptions): Promise<SocksConnection> {
  return await connectOn(system, options);
}

/**
 * Connects to a target through a SOCKS5 proxy and speaks TLS with it, in the manner of `Deno.connectTls`. The proxy can
 * neither read nor truncate the stream: it ends (`null`) only with the target's close_notify. If it is cut, reading fails with
 * {@linkcode SocksTlsError} `TLS_CUT` after all bytes received (RFC 8446 section 6.1).
 *
 * @throws {SocksTlsError} `TLS_HANDSHAKE` when the target's certificate is not its own, or the handshake fails.
 * @throws {SocksReplyError} As {@linkcode connect}; so are the others.
 * @throws {TypeError} When a certificate or key given is none.
 *
 * @example
 * ```ts
 * import { connectTls } from "@gssocks/gssocks";
 *
 * export async function fetchPage(): Promise<string> {
 *   await using connection = await connectTls({
 *     proxy: "proxy.example.com:1080",
 *     hostname: "intranet.example.com",
 *     port: 443,
 *     alpnProtocols: ["http/1.1"],
 *     timeout: 10_000,
 *   });
 *   await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
 *   return await new Response(connection.readable).text();
 * }
 * ```
 */
export async function connectTls(options: ConnectTlsOptions): Promise<SocksConnection> {
  return await connectTlsOn(system, options);
}

/**
 * Opens an association for datagrams through a SOCKS5 proxy (UDP ASSOCIATE), in the manner of `Deno.listenDatagram`. Each
 * datagram is protected like everything else where the proxy was authenticated to with Kerberos.
 *
 * @throws {SocksReplyError} The proxy does not relay datagrams.
 * @throws {SocksAuthError} As {@linkcode connect}; so are the others.
 *
 * @example A question to a name server
 * ```ts
 * import { associate } from "@gssocks/gssocks";
 *
 * export async function ask(question: Uint8Array): Promise<Uint8Array> {
 *   await using datagrams = await associate({ proxy: "proxy.example.com" });
 *   await datagrams.send(question, { hostname: "9.9.9.9", port: 53 });
 *   const [answer] = await datagrams.receive({ signal: AbortSignal.timeout(2_000) });
 *   return answer;
 * }
 * ```
 */
export async function associate(options: RequestOptions): Promise<SocksDatagrams> {
  return await associateOn(system, options);
}

/**
 * Makes a SOCKS5 proxy listen for one connection (BIND), as FTP's active mode needs, beside a connection to the same host through
 * the same proxy.
 *
 * @throws {SocksReplyError} The proxy does not listen for clients.
 * @throws {SocksAuthError} As {@linkcode connect}; so are the others.
 *
 * @example
 * ```ts
 * import { bind } from "@gssocks/gssocks";
 *
 * export async function fetchByActiveMode(tell: (hostname: string, port: number) => Promise<void>): Promise<string> {
 *   using pending = await bind({ proxy: "proxy.example.com", expected: { hostname: "ftp.example.com", port: 20 } });
 *   await tell(pending.bound.hostname, pending.bound.port);
 *   await using connection = await pending.accept({ timeout: 30_000 });
 *   return await new Response(connection.readable).text();
 * }
 * ```
 */
export async function bind(options: BindOptions): Promise<ProxiedBind> {
  return await bindOn(system, options);
}

/**
 * Makes a proxy look up the address of a name, or the name of an address, with Tor's commands RESOLVE and RESOLVE_PTR.
 *
 * @throws {SocksReplyError} The proxy does not know the commands, or finds nothing.
 * @throws {SocksAuthError} As {@linkcode connect}; so are the others.
 *
 * @example
 * ```ts
 * import { resolve } from "@gssocks/gssocks";
 *
 * export async function addressOf(hostname: string): Promise<string> {
 *   return await resolve({ proxy: "proxy.example.com", hostname });
 * }
 * ```
 */
export async function resolve(options: ResolveOptions): Promise<string> {
  return await resolveOn(system, options);
}
