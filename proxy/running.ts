/**
 * Running servers: where they listen, and how they are stopped.
 *
 * @module
 */
import { duration } from "../base/deadline.ts";
import { checkAnnounce } from "../socks/server/targets/announce.ts";
import type { ServerHealth } from "../socks/server/health.ts";
import { checkLimit } from "../socks/server/limits/limits.ts";
import type { SocksServer } from "../socks/server/server.ts";
import type { LiveSession } from "../socks/server/status.ts";
import type { ShutdownOptions, SocksServerOptions } from "../socks/server/options.ts";
import type { Connection } from "../socks/stream/connection.ts";
import type { ConnectionListener } from "../socks/stream/listener.ts";
import { listenAtLoopback } from "../socks/stream/localhost.ts";
import { proxyProtocol } from "../socks/stream/proxy_protocol.ts";
import type { TlsIdentity } from "../socks/stream/tls.ts";
import type { Endpoint } from "../socks/wire/address.ts";
import { type Forward, openForwards } from "./forwards.ts";
import { SOCKS_PORT } from "./proxy_options.ts";
import type { ProxySystem } from "./system.ts";

/** Options of every server. Times are in milliseconds. */
export interface ListenerOptions extends
  Pick<
    SocksServerOptions,
    | "protocols"
    | "timeouts"
    | "limits"
    | "signal"
    | "onEvent"
    | "onTrouble"
  > {
  /**
   * Address to listen on; `"localhost"` is both of its addresses.
   *
   * @default {"127.0.0.1", or "::1" on a machine without it}
   */
  readonly hostname?: string | undefined;
  /** Port to listen on, 0 for a free one. @default {1080} */
  readonly port?: number | undefined;
  /**
   * Whether other servers may listen on the same port. Linux spreads the connections over them. They must share a
   * `replayCache`. Needs `deno run --unstable-net`.
   *
   * @default {false}
   */
  readonly reusePort?: boolean | undefined;
  /**
   * Addresses and blocks of balancers whose connections begin with a header of the PROXY protocol, version 1 or 2, which names the
   * client: `["10.0.0.5", "10.1.0.0/16"]`. Such a connection is refused without a valid header; connections from elsewhere have none.
   * The header must arrive within `timeouts.handshake`. In `listeners` it is expected inside of whatever they speak.
   *
   * @default {none}
   */
  readonly proxyProtocol?: readonly string[] | undefined;
  /** Certificate and key for clients that speak SOCKS inside TLS. @default {SOCKS alone} */
  readonly tls?: TlsIdentity | undefined;
  /**
   * Listeners instead of `hostname`, `port`, `reusePort` and `tls`; an empty list for a server that only gets connections. The server
   * owns them: it closes them when it ends, and when it cannot start.
   */
  readonly listeners?: readonly ConnectionListener[] | undefined;
  /** How clients send and receive datagrams. */
  readonly datagrams?: AssociationOptions | undefined;
  /**
   * Called with each address listened on, and for a forward with its target. If it throws, the start fails with that, and nothing
   * listens.
   */
  readonly onListen?: ((address: Endpoint, target?: Endpoint) => void) | undefined;
}

/** Options of UDP associations with clients. */
export interface AssociationOptions {
  /**
   * Address to tell clients instead of the one that they reached, for a server behind NAT: an address, one of each family, or a name.
   * Clients of another family get the address that they reached.
   */
  readonly announce?: string | readonly string[] | undefined;
  /** Time without a datagram after which an association ends, in milliseconds. @default {300000} */
  readonly idleTimeout?: number | undefined;
  /** Associations at one time. @default {1000} */
  readonly maxAssociations?: number | undefined;
}

/** A running server, in the manner of `Deno.HttpServer`. */
export interface RunningServer extends AsyncDisposable {
  /** Where it listens: the first of its listeners. */
  readonly addr: Endpoint;
  /** Sessions under way. */
  readonly sessions: number;
  /** Resolved when it has ended. */
  readonly finished: Promise<void>;
  /** The sessions under way, one by one. */
  liveSessions(): readonly LiveSession[];
  /**
   * Ends a session by its number, as {@linkcode LiveSession} and events have it.
   *
   * @param reason The error of its last event. @default {one that says that the operator did}
   * @returns Whether there was one.
   */
  endSession(session: number, reason?: Error): boolean;
  /** Returns the health: trouble that belongs to no session, such as clients that cannot be accepted. */
  health(): ServerHealth;
  /** Serves a connection that did not come from a listener, to its end. Never rejects. */
  serveConnection(connection: Connection): Promise<void>;
  /**
   * Accepts no more clients and lets sessions end. May be called again with an earlier deadline.
   *
   * @throws {TypeError} When the deadline is no time; nothing is stopped then.
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /** Takes {@linkcode unref} back. */
  ref(): void;
  /**
   * Lets the process end although this server listens, in the manner of `Deno.HttpServer`. That is about its listeners: sessions
   * under way keep the process going all the same. Listeners of other makes that have no `unref()` are left as they are.
   */
  unref(): void;
}

/** Options of places to listen, which exclude `listeners`. */
const PLACES = ["hostname", "port", "reusePort", "tls"] as const satisfies readonly (keyof ListenerOptions)[];

/** Starts what {@linkcode ListenerOptions.listeners} are for; where that fails they are closed. */
export function withListeners<T>({ listeners = [] }: ListenerOptions, begin: () => T): T {
  try {
    return begin();
  } catch (error) {
    for (const listener of listeners) listener.close();
    throw error;
  }
}

/** Starts to listen; a server that cannot is ended. */
export function start(
  system: ProxySystem,
  server: SocksServer,
  options: ListenerOptions,
  forwards: readonly Forward[] = [],
): RunningServer {
  try {
    return listen(system, server, options, forwards);
  } catch (error) {
    // The caller gets nothing to stop it with.
    void server[Symbol.asyncDispose]();
    throw error;
  }
}

function listen(
  { sockets }: ProxySystem,
  server: SocksServer,
  options: ListenerOptions,
  forwards: readonly Forward[],
): RunningServer {
  const own = listenersOf(sockets, options);
  const addr = own[0]?.addr ?? { hostname: "0.0.0.0", port: 0 };
  const ports: OpenPort[] = own.map((listener) => ({ listener }));
  try {
    ports.push(...openForwards(sockets, forwards));
  } catch (error) {
    for (const { listener } of ports) listener.close();
    throw error;
  }
  const listeners = ports.map(({ listener }) => listener);
  const listening = ports.map(({ listener, target }) => server.listen(listener, { target }));
  const stopped = listeners.length === 0 ? server.stopped : Promise.all(listening);
  const finished = stopped.then(() => server.shutdown());
  for (const { listener, target } of ports) options.onListen?.(listener.addr, target);
  return {
    addr,
    finished,
    get sessions(): number {
      return server.sessions;
    },
    liveSessions: () => server.liveSessions(),
    endSession: (session, reason) => server.endSession(session, reason),
    health: () => server.health(),
    serveConnection: (connection) => server.serve(connection),
    shutdown: (how) => server.shutdown(how).then(() => finished),
    ref(): void {
      for (const listener of listeners) listener.ref?.();
    },
    unref(): void {
      for (const listener of listeners) listener.unref?.();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await server[Symbol.asyncDispose]();
      await finished;
    },
  };
}

/** A listener, and the target of its clients if they send no request. */
type OpenPort = { readonly listener: ConnectionListener; readonly target?: Endpoint };

function listenersOf(sockets: ProxySystem["sockets"], options: ListenerOptions): readonly ConnectionListener[] {
  const { hostname, port = SOCKS_PORT, reusePort = false, tls, listeners } = options;
  const balanced = options.proxyProtocol === undefined
    ? undefined
    : { from: options.proxyProtocol, timeout: options.timeouts?.handshake };
  if (listeners !== undefined) {
    const places = PLACES.filter((name) => options[name] !== undefined);
    if (places.length === 0 && balanced === undefined) return listeners;
    if (places.length === 0) return listeners.map((listener) => proxyProtocol(listener, balanced!));
    throw new TypeError(
      `Cannot listen: listeners are given, and ${places.join(" and ")} too, which say nothing of them`,
    );
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    const found = typeof port === "number" ? port : `a value of type ${typeof port}`;
    throw new TypeError(`Cannot use port: ${found} is no port (an integer from 0 to 65535)`);
  }
  const how = { reusePort, proxyProtocol: balanced };
  const listenAt = (where: Endpoint) =>
    tls === undefined ? sockets.listen({ ...where, ...how }) : sockets.listenTls({ ...where, ...how, ...tls });
  return [hostname === undefined ? listenAtLoopback(port, listenAt) : listenAt({ hostname, port })];
}

/**
 * Checks the options of associations.
 *
 * @throws {TypeError} When a time or a limit is invalid, or what is announced is not a host.
 */
export function checkAssociations({ announce, idleTimeout, maxAssociations }: AssociationOptions = {}): void {
  checkAnnounce(announce);
  if (idleTimeout !== undefined) duration("datagrams.idleTimeout", idleTimeout);
  checkLimit("datagrams.maxAssociations", maxAssociations);
}
