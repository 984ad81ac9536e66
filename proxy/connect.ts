/**
 * Calls of a client through a proxy.
 *
 * @module
 */
import { bindThrough, type ProxiedBind } from "../socks/client/bind.ts";
import { requestFromProxy, requestWithRetry, startCallDeadline } from "../socks/client/request.ts";
import { resolveThrough } from "../socks/client/resolve.ts";
import { checkHost, checkPort } from "../socks/argument_checks.ts";
import { SocksConnection } from "../socks/client/socks_connection.ts";
import { systemResolver } from "../socks/shell/system_resolver.ts";
import { associateThrough } from "../socks/client/associate.ts";
import type { SocksDatagrams } from "../socks/client/datagrams.ts";
import { platform } from "../socks/shell/default_platform.ts";
import { type Endpoint, formatEndpoint } from "../socks/wire/address.ts";
import { hostName } from "../socks/wire/host_name.ts";
import { Command } from "../socks/wire/messages.ts";
import { type ProxyOptions, upstreamOf } from "./proxy_options.ts";

/** Options of a request to a proxy. */
export type RequestOptions = ProxyOptions & CallOptions;

/** How long a call may take, and what ends it. */
export interface CallOptions {
  /**
   * Time until the call resolves, in milliseconds: reaching the proxy and all handshakes, TLS with the target included. `Infinity`
   * for no limit. It does not limit what the call returns.
   *
   * @default {60000}
   */
  readonly timeout?: number | undefined;
  /**
   * Ends the call and what it returned, in any phase: operations under way, and later ones, fail with the signal's reason.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@linkcode connect}. */
export type ConnectOptions = RequestOptions & TargetOptions;

/** Where to connect to. */
export interface TargetOptions {
  /** Host of the target: an address, with or without brackets, or a name, which the proxy looks up and gets in A-labels. */
  readonly hostname: string;
  /** Port of the target. */
  readonly port: number;
}

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
  const { signal, timeout } = options;
  const target = targetOf(options);
  const made = await requestFromProxy({ ...upstreamOf(options), timeout, signal }, Command.Connect, target);
  if (signal?.aborted) {
    made.connection.close();
    throw signal.reason;
  }
  return new SocksConnection(made, target, signal);
}

/** Checks the target, and normalizes its host. */
function targetOf({ hostname, port }: TargetOptions): Endpoint {
  return { hostname: hostName(checkHost("hostname", hostname)), port: checkPort("port", port) };
}

/** Options of {@linkcode connectTls}. `timeout` includes the TLS handshake. */
export type ConnectTlsOptions = ConnectOptions & TargetTlsOptions;

/** TLS with the target. */
export interface TargetTlsOptions {
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
  const { timeout, signal, caCerts, alpnProtocols, cert, key } = options;
  const target = targetOf(options);
  const through = { ...upstreamOf(options), timeout, signal };
  let tunnelled = false;
  using deadline = startCallDeadline(through, () => tunnelled ? `TLS with ${formatEndpoint(target)}` : undefined);
  const attempt = deadline.signal;
  const made = await requestWithRetry(attempt, through, { command: Command.Connect, ...target });
  tunnelled = true;
  const tls = { hostname: target.hostname, caCerts, alpnProtocols, cert, key, signal: attempt };
  const connection = await platform.tlsOver(made.connection, tls);
  if (signal?.aborted) {
    connection.close();
    throw signal.reason;
  }
  const { alpnProtocol } = connection;
  return new SocksConnection({ ...made, connection, alpnProtocol, tls: true }, target, signal);
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
  const { timeout, signal } = options;
  return await associateThrough({
    ...upstreamOf(options),
    timeout,
    signal,
    bind: platform.bindDatagrams,
    resolve: systemResolver,
  });
}

/** Options of {@linkcode bind}. */
export type BindOptions = RequestOptions & {
  /** Peer that is expected to connect; connections of others are closed. @default {any peer} */
  readonly expected?: Endpoint | undefined;
};

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
  const { timeout, signal, expected = { hostname: "0.0.0.0", port: 0 } } = options;
  return await bindThrough({ ...upstreamOf(options), expected, timeout, signal });
}

/** Options of {@linkcode resolve}. */
export type ResolveOptions = RequestOptions & {
  /** A name, or an address to look up the name of. */
  readonly hostname: string;
};

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
  const { hostname, timeout, signal } = options;
  return await resolveThrough({ ...upstreamOf(options), hostname, timeout, signal });
}
