/**
 * Calls of a client through a proxy, on any machine.
 *
 * @module
 */
import { bindThrough, type ProxiedBind } from "../socks/client/bind.ts";
import { requestFromProxy, requestWithRetry, startCallDeadline } from "../socks/client/request.ts";
import { resolveThrough } from "../socks/client/resolve.ts";
import { checkHost, checkPort } from "../socks/argument_checks.ts";
import { SocksConnection } from "../socks/client/socks_connection.ts";
import { associateThrough } from "../socks/client/associate.ts";
import type { SocksDatagrams } from "../socks/client/datagrams.ts";
import { type Endpoint, formatEndpoint } from "../socks/wire/address.ts";
import { hostName } from "../socks/wire/host_name.ts";
import { Command } from "../socks/wire/messages.ts";
import { type ProxyOptions, upstreamOf } from "./proxy_options.ts";
import type { ProxySystem } from "./system.ts";

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

/** Connects to a target; see `connect`. */
export async function connectOn(system: ProxySystem, options: ConnectOptions): Promise<SocksConnection> {
  const { signal, timeout } = options;
  const target = targetOf(options);
  const made = await requestFromProxy({ ...upstreamOf(system, options), timeout, signal }, Command.Connect, target);
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

/** Connects to a target and speaks TLS with it; see `connectTls`. */
export async function connectTlsOn(system: ProxySystem, options: ConnectTlsOptions): Promise<SocksConnection> {
  const { timeout, signal, caCerts, alpnProtocols, cert, key } = options;
  const target = targetOf(options);
  const through = { ...upstreamOf(system, options), timeout, signal };
  let tunnelled = false;
  using deadline = startCallDeadline(through, () => tunnelled ? `TLS with ${formatEndpoint(target)}` : undefined);
  const attempt = deadline.signal;
  const made = await requestWithRetry(attempt, through, { command: Command.Connect, ...target });
  tunnelled = true;
  const tls = { hostname: target.hostname, caCerts, alpnProtocols, cert, key, signal: attempt };
  const connection = await system.sockets.tlsOver(made.connection, tls);
  if (signal?.aborted) {
    connection.close();
    throw signal.reason;
  }
  const { alpnProtocol } = connection;
  return new SocksConnection({ ...made, connection, alpnProtocol, tls: true }, target, signal);
}

/** Opens an association for datagrams; see `associate`. */
export async function associateOn(system: ProxySystem, options: RequestOptions): Promise<SocksDatagrams> {
  const { timeout, signal } = options;
  return await associateThrough({
    ...upstreamOf(system, options),
    timeout,
    signal,
    bind: system.sockets.bindDatagrams,
    resolve: system.resolve,
  });
}

/** Options of {@linkcode bind}. */
export type BindOptions = RequestOptions & {
  /** Peer that is expected to connect; connections of others are closed. @default {any peer} */
  readonly expected?: Endpoint | undefined;
};

/** Makes a proxy listen for one connection; see `bind`. */
export async function bindOn(system: ProxySystem, options: BindOptions): Promise<ProxiedBind> {
  const { timeout, signal, expected = { hostname: "0.0.0.0", port: 0 } } = options;
  return await bindThrough({ ...upstreamOf(system, options), expected, timeout, signal });
}

/** Options of {@linkcode resolve}. */
export type ResolveOptions = RequestOptions & {
  /** A name, or an address to look up the name of. */
  readonly hostname: string;
};

/** Makes a proxy look up a name; see `resolve`. */
export async function resolveOn(system: ProxySystem, options: ResolveOptions): Promise<string> {
  const { hostname, timeout, signal } = options;
  return await resolveThrough({ ...upstreamOf(system, options), hostname, timeout, signal });
}
