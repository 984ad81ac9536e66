/**
 * The client's ways through a proxy.
 *
 * @module
 */
import { startDeadline } from "../gss/deadline.ts";
import { bindThrough, type ProxiedBind } from "../socks/bind_through.ts";
import { connectThrough, resolveThrough } from "../socks/client.ts";
import { SocksTimeoutError } from "../socks/errors.ts";
import { SocksConnection } from "../socks/socks_connection.ts";
import { systemResolver } from "../socks/stream/deno.ts";
import { tlsOver } from "../socks/stream/tls.ts";
import { associateThrough, type SocksDatagrams } from "../socks/udp/client.ts";
import { bindUdp } from "../socks/udp/socket.ts";
import { type Endpoint, formatEndpoint } from "../socks/wire/address.ts";
import { hostName } from "../socks/wire/host_name.ts";
import { type ProxyOptions, upstreamOf } from "./proxy_options.ts";

/** What a request to a proxy takes beside the proxy. */
export interface RequestOptions extends ProxyOptions {
  /** Time until the proxy has done it, in milliseconds. @default {60000} */
  readonly timeout?: number;
  /** Ends the attempt. */
  readonly signal?: AbortSignal;
}

/** What {@linkcode connect} takes. */
export interface ConnectOptions extends ProxyOptions {
  /** Host of the target: an address, with or without brackets, or a name, which the proxy looks up and gets in A-labels. */
  readonly hostname: string;
  /** Port of the target. */
  readonly port: number;
  /** Time until the target is reached, in milliseconds. @default {60000} */
  readonly timeout?: number;
  /** Ends the attempt, and closes the connection. */
  readonly signal?: AbortSignal;
}

/**
 * Connects to a target through a SOCKS5 proxy, in the manner of `Deno.connect`.
 *
 * @throws {SocksReplyError} The proxy cannot or will not reach the target, or cannot be reached itself.
 * @throws {SocksAuthError} Authentication failed, or the protection would be too weak.
 * @throws {SocksProtocolError} The proxy broke the protocol.
 * @throws {SocksTimeoutError} It took too long.
 * @throws {HostNameError} No host can be called what the target is called; nothing was sent then.
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
  const { port, signal, timeout } = options;
  const target = { hostname: hostName(options.hostname), port };
  const made = await connectThrough({ target, ...upstreamOf(options), timeout, signal });
  if (signal?.aborted) {
    made.connection.close();
    throw signal.reason;
  }
  return new SocksConnection(made, target, signal);
}

/** What {@linkcode connectTls} takes. `timeout` is the time until TLS stands. */
export interface ConnectTlsOptions extends ConnectOptions {
  /** Certificates of authorities to trust, in PEM, instead of the system's. @default {the system's} */
  readonly caCerts?: readonly string[] | undefined;
  /** Protocols offered (RFC 7301), in order of preference. Which one was taken is `alpnProtocol` of the connection. */
  readonly alpnProtocols?: readonly string[] | undefined;
  /** Certificate to show to a target that asks for one, in PEM, with those behind it. Goes with `key`. */
  readonly cert?: string | undefined;
  /** Private key of `cert`, in PEM. */
  readonly key?: string | undefined;
}

/**
 * Connects to a target through a SOCKS5 proxy and speaks TLS with it, in the manner of `Deno.connectTls`. The proxy sees
 * no octet of what is said, and cannot shorten it: the connection is at its end (`null`) after the target's close_notify
 * alone, and where it is cut, reading fails with {@linkcode SocksTlsError} `TLS_CUT` after all that came (RFC 8446 section 6.1).
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
  const { port, timeout = 60_000, signal, caCerts, alpnProtocols, cert, key } = options;
  const target = { hostname: hostName(options.hostname), port };
  using deadline = startDeadline({
    milliseconds: timeout,
    signal,
    reason: () =>
      new SocksTimeoutError("HANDSHAKE_TIMEOUT", `TLS with ${formatEndpoint(target)} took longer than ${timeout} ms`),
  });
  const made = await connectThrough({ target, ...upstreamOf(options), timeout, signal });
  const asked = { hostname: target.hostname, caCerts, alpnProtocols, cert, key, signal: deadline.signal };
  const connection = await tlsOver(made.connection, asked);
  if (signal?.aborted) {
    connection.close();
    throw signal.reason;
  }
  const { alpnProtocol } = connection;
  return new SocksConnection({ ...made, connection, alpnProtocol }, target, signal);
}

/**
 * Opens an association for datagrams through a SOCKS5 proxy (UDP ASSOCIATE), in the manner of `Deno.listenDatagram`. Each
 * datagram is protected like everything else where the proxy was authenticated to with Kerberos.
 *
 * @throws {SocksReplyError} The proxy does not relay datagrams, or cannot be reached.
 * @throws {SocksAuthError} As {@linkcode connect}.
 *
 * @example A question to a name server
 * ```ts
 * import { associate } from "@gssocks/gssocks";
 *
 * export async function ask(question: Uint8Array): Promise<Uint8Array> {
 *   await using datagrams = await associate({ proxy: "proxy.example.com" });
 *   await datagrams.send(question, { hostname: "9.9.9.9", port: 53 });
 *   const [answer] = await datagrams.receive();
 *   return answer;
 * }
 * ```
 */
export async function associate(options: RequestOptions): Promise<SocksDatagrams> {
  const { timeout, signal } = options;
  const made = await associateThrough({
    ...upstreamOf(options),
    timeout,
    signal,
    bind: bindUdp,
    resolve: systemResolver,
  });
  signal?.addEventListener("abort", () => made.close(), { once: true });
  return made;
}

/** What {@linkcode bind} takes. */
export interface BindOptions extends RequestOptions {
  /** Where the connection is expected from; others are closed. @default {anywhere} */
  readonly expected?: Endpoint;
}

/**
 * Has a SOCKS5 proxy listen for one connection (BIND), as FTP's active mode needs. It goes with a connection to the same
 * host through the same proxy.
 *
 * @throws {SocksReplyError} The proxy does not listen for clients, or cannot be reached.
 * @throws {SocksAuthError} As {@linkcode connect}.
 */
export async function bind(options: BindOptions): Promise<ProxiedBind> {
  const { timeout, signal, expected = { hostname: "0.0.0.0", port: 0 } } = options;
  return await bindThrough({ ...upstreamOf(options), expected, timeout, signal });
}

/** What {@linkcode resolve} takes. */
export interface ResolveOptions extends RequestOptions {
  /** A name, or an address whose name is wanted. */
  readonly hostname: string;
}

/**
 * Has a proxy look up the address of a name, or the name of an address, with Tor's commands RESOLVE and RESOLVE_PTR.
 *
 * @throws {SocksReplyError} The proxy does not know the commands, or finds nothing.
 */
export async function resolve(options: ResolveOptions): Promise<string> {
  const { hostname, timeout, signal } = options;
  return await resolveThrough({ ...upstreamOf(options), hostname, timeout, signal });
}
