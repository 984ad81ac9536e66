/**
 * Servers that run: what they listen on and how they are stopped.
 *
 * @module
 */
import type { Limits } from "../socks/limits/limits.ts";
import type { LiveSession, ShutdownOptions, SocksServer, SocksServerOptions } from "../socks/server.ts";
import type { Connection } from "../socks/stream/connection.ts";
import { type ConnectionListener, listenTcp, listenTls } from "../socks/stream/deno.ts";
import type { TlsIdentity } from "../socks/stream/tls.ts";
import type { Endpoint } from "../socks/wire/address.ts";
import { SOCKS_PORT } from "./proxy_options.ts";

/** What the servers have in common. Times are in milliseconds. */
export interface ListenerOptions extends
  Limits,
  Pick<
    SocksServerOptions,
    "protocols" | "handshakeTimeout" | "connectTimeout" | "idleTimeout" | "halfCloseTimeout" | "signal" | "onEvent"
  > {
  /** Address to listen on. @default {"127.0.0.1"} */
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
  /** Certificate and key for clients that speak SOCKS inside TLS. @default {SOCKS alone} */
  readonly tls?: TlsIdentity | undefined;
  /** Listeners instead of `hostname` and `port`; none for a server that is only given connections. */
  readonly listeners?: readonly ConnectionListener[] | undefined;
  /** How datagrams are relayed. */
  readonly datagrams?: DatagramOptions | undefined;
  /** Told where the server listens. */
  readonly onListen?: ((address: Endpoint) => void) | undefined;
}

/** How datagrams are relayed. */
export interface DatagramOptions {
  /** Address to tell clients instead of the one that they reached, for a server behind NAT. */
  readonly announce?: string | undefined;
  /** Time without a datagram after which an association ends, in milliseconds. @default {300000} */
  readonly idleTimeout?: number | undefined;
  /** Associations at one time. @default {1000} */
  readonly maxAssociations?: number | undefined;
  /** Targets that an association remembers; the one used longest ago makes room. @default {256} */
  readonly maxDestinations?: number | undefined;
  /** Whether a target may answer from any of its ports, and not only from the one that was written to. @default {false} */
  readonly answersFromAnyPort?: boolean | undefined;
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
  /** Serves a connection that came from elsewhere than a listener, to its end. Never rejects. */
  serveConnection(connection: Connection): Promise<void>;
  /** Accepts nobody any more and lets the sessions under way end. */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/** Has a server listen. */
export function start(server: SocksServer, options: ListenerOptions): RunningServer {
  const { hostname = "127.0.0.1", port = SOCKS_PORT, reusePort = false, tls } = options;
  const listeners = options.listeners ?? [
    tls === undefined ? listenTcp({ hostname, port, reusePort }) : listenTls({ hostname, port, reusePort, ...tls }),
  ];
  const addr = listeners[0]?.addr ?? { hostname: "0.0.0.0", port: 0 };
  const listening = listeners.map((listener) => server.listen(listener));
  const stopped = listeners.length === 0 ? server.stopped : Promise.all(listening);
  const finished = stopped.then(() => server.shutdown());
  try {
    for (const listener of listeners) options.onListen?.(listener.addr);
  } catch (error) {
    // Nobody would have anything to stop it with.
    void server[Symbol.asyncDispose]();
    throw error;
  }
  return {
    addr,
    finished,
    get sessions(): number {
      return server.sessions;
    },
    liveSessions: () => server.liveSessions(),
    serveConnection: (connection) => server.serve(connection),
    shutdown: (how) => server.shutdown(how).then(() => finished),
    async [Symbol.asyncDispose](): Promise<void> {
      await server[Symbol.asyncDispose]();
      await finished;
    },
  };
}
