/**
 * The calls of `./edge`: those of the whole package, with nothing taken from a machine.
 *
 * @module
 */
import type { ProxiedBind } from "../socks/client/bind.ts";
import type { SocksConnection } from "../socks/client/socks_connection.ts";
import type { Keytab } from "../kerberos/credentials/formats/keytab.ts";
import type { TicketSource } from "../kerberos/credentials/ticket_source.ts";
import type { Resolver } from "../socks/names/resolver.ts";
import type { Dialer } from "../socks/stream/connection.ts";
import type { Endpoint } from "../socks/wire/address.ts";
import { bindOn, type CallOptions, connectOn, resolveOn, type TargetOptions } from "./calls.ts";
import { dialThroughOn } from "./dialing_through.ts";
import { noSystem } from "./no_system.ts";
import type { GssapiProxyOptions, MethodsProxyOptions, ProxyAddress, Without } from "./proxy_options.ts";
import type { ServeOptions } from "./serve_options.ts";
import { serveOn, type UpdatableServer } from "./serving.ts";

/** Which proxy, how it is reached, and how this side authenticates: with tickets, or by other methods. */
export type EdgeProxyOptions =
  & ProxyAddress
  & { readonly dial: Dialer }
  & (
    | (GssapiProxyOptions & { readonly credentials: TicketSource } & Without<MethodsProxyOptions>)
    | (MethodsProxyOptions & Without<GssapiProxyOptions>)
  );

/** Options of {@linkcode connect}. */
export type EdgeConnectOptions = EdgeProxyOptions & CallOptions & TargetOptions;

/**
 * Connects to a target through a SOCKS5 proxy, as `connect` of the whole package does with the same errors. For TLS with the target, use what
 * the runtime has, over `readable` and `writable` of the result.
 *
 * @throws {SocksReplyError} The proxy cannot or will not reach the target.
 * @throws {TypeError} An option is missing or invalid; nothing was dialled then.
 *
 * @example
 * ```ts
 * import { connect, dialWebSocket, type KerberosTickets, type SocksConnection } from "@gssocks/gssocks/edge";
 *
 * export async function open(credentials: KerberosTickets): Promise<SocksConnection> {
 *   const dial = dialWebSocket("wss://proxy.example.com/socks");
 *   return await connect({ proxy: "proxy.example.com", dial, credentials, hostname: "intranet", port: 80 });
 * }
 * ```
 */
export async function connect(options: EdgeConnectOptions): Promise<SocksConnection> {
  return await connectOn(noSystem, options);
}

/** Options of {@linkcode bind}. */
export type EdgeBindOptions = EdgeProxyOptions & CallOptions & {
  /** Peer that is expected to connect; connections of others are closed. @default {any peer} */
  readonly expected?: Endpoint | undefined;
};

/**
 * Makes a SOCKS5 proxy listen for one connection (BIND).
 *
 * @throws {SocksReplyError} The proxy does not listen for clients.
 *
 * @example
 * ```ts
 * import { bind, type Dialer, passwordClient, type ProxiedBind } from "@gssocks/gssocks/edge";
 *
 * export async function listen(dial: Dialer, username: string, password: string): Promise<ProxiedBind> {
 *   return await bind({ proxy: "proxy.example.com", dial, auth: [passwordClient({ username, password })] });
 * }
 * ```
 */
export async function bind(options: EdgeBindOptions): Promise<ProxiedBind> {
  return await bindOn(noSystem, options);
}

/** Options of {@linkcode resolve}. */
export type EdgeResolveOptions = EdgeProxyOptions & CallOptions & {
  /** A name, or an address to look up the name of. */
  readonly hostname: string;
};

/**
 * Makes a proxy look up the address of a name, or the name of an address, with Tor's commands RESOLVE and RESOLVE_PTR.
 *
 * @throws {SocksReplyError} The proxy does not know the commands, or finds nothing.
 *
 * @example
 * ```ts
 * import { type Dialer, noAuthentication, resolve } from "@gssocks/gssocks/edge";
 *
 * export async function addressOf(dial: Dialer, hostname: string): Promise<string> {
 *   return await resolve({ proxy: "proxy.example.com", dial, auth: [noAuthentication()], hostname });
 * }
 * ```
 */
export async function resolve(options: EdgeResolveOptions): Promise<string> {
  return await resolveOn(noSystem, options);
}

/** Options of {@linkcode dialThrough}. */
export type EdgeDialThroughOptions = EdgeProxyOptions & {
  /** Time for each dial, in milliseconds. @default {60000} */
  readonly timeout?: number | undefined;
};

/**
 * A dialer that goes through a proxy, for chains of proxies and for `kdcThrough`.
 *
 * @throws {TypeError} When an option is not what it must be.
 *
 * @example
 * ```ts
 * import { type Dialer, dialThrough, passwordClient } from "@gssocks/gssocks/edge";
 *
 * export function outer(dial: Dialer, username: string, password: string): Dialer {
 *   return dialThrough({ proxy: "outer.example.com", dial, auth: [passwordClient({ username, password })] });
 * }
 * ```
 */
export function dialThrough(options: EdgeDialThroughOptions): Dialer {
  return dialThroughOn(noSystem, options);
}

/** Options of {@linkcode serve}: those of the whole package's `serve` that need no listening socket, no datagrams and no file. */
export interface EdgeServeOptions extends
  Omit<
    ServeOptions,
    | "hostname"
    | "port"
    | "reusePort"
    | "proxyProtocol"
    | "tls"
    | "listeners"
    | "onListen"
    | "datagrams"
    | "keytab"
    | "upstreams"
  > {
  /** Keys of the service: `Keytab.decode(bytes)`. Needed for GSS-API. */
  readonly keytab?: Keytab | undefined;
  /** Connects to targets. */
  readonly dial: Dialer;
  /** Looks up the names of targets. */
  readonly resolve: Resolver;
  /** Proxies that rules may name, by name. */
  readonly upstreams?: Readonly<Record<string, EdgeProxyOptions>> | undefined;
}

/**
 * Starts the server's end of SOCKS5. It listens nowhere: give it each connection with `serveConnection`, such as that of a WebSocket.
 *
 * @throws {TypeError} When no method is accepted, or an option is invalid.
 *
 * @example The end of WebSockets
 * ```ts
 * import { connectionFromWebSocket, type Dialer, Keytab, serve } from "@gssocks/gssocks/edge";
 *
 * export function accept(sockets: AsyncIterable<WebSocket>, keytab: Uint8Array<ArrayBuffer>, dial: Dialer): void {
 *   const resolve = (name: string) => Promise.reject(new Error(`${name} is not known`));
 *   const server = serve({ keytab: Keytab.decode(keytab), rules: ["allow 192.0.2.0/24"], dial, resolve });
 *   (async () => {
 *     for await (const socket of sockets) void server.serveConnection(connectionFromWebSocket(socket));
 *   })();
 * }
 * ```
 */
export function serve(options: EdgeServeOptions): UpdatableServer {
  return serveOn(noSystem, { ...options, listeners: [] });
}
