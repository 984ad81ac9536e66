/**
 * The transports over which tests end a server's sessions, and a server that keeps the promises of its sessions.
 *
 * @module
 */
import { SocksServer } from "../../socks/server/server.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { dialTcp, listenTcp } from "../../socks/shell/tcp.ts";
import { dialTls, listenTls } from "../../socks/shell/tls.ts";
import { connectionFromWebSocket, dialWebSocket, WEB_SOCKET_PROTOCOL } from "../../socks/stream/web_socket.ts";
import { connectionFromStreams } from "../../socks/stream/web_streams.ts";
import { pipe } from "./pipe.ts";

const LOCALHOST = "127.0.0.1";

/** Adds addresses to a connection: associations need them, and some transports have none. */
function addressed(connection: Connection): Connection {
  return {
    local: { hostname: LOCALHOST, port: 1080 },
    remote: { hostname: LOCALHOST, port: 7 },
    read: (into) => connection.read(into),
    write: (bytes) => connection.write(bytes),
    closeWrite: () => connection.closeWrite(),
    close: () => connection.close(),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** A server that keeps the promises of its sessions. */
export class WatchedServer extends SocksServer {
  readonly served: Promise<void>[] = [];

  override serve(connection: Connection): Promise<void> {
    const session = super.serve(addressed(connection));
    this.served.push(session);
    return session;
  }
}

/** A transport between client and server. */
export interface SessionTransport {
  /** Opens a connection to the server. */
  open(server: SocksServer): Promise<Connection>;
}

/** Returns the transports by name; those that need a listener close it with the stack. */
export function sessionTransports(
  stack: AsyncDisposableStack,
  tls: { cert: string; key: string } | undefined,
): Record<string, SessionTransport> {
  const sockets: ((socket: WebSocket) => void)[] = [];
  const http = stack.use(Deno.serve({ hostname: LOCALHOST, port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: WEB_SOCKET_PROTOCOL });
    sockets.shift()!(socket);
    return response;
  }));
  const found: Record<string, SessionTransport> = {
    TCP: {
      open(server): Promise<Connection> {
        const listener = listenTcp({ hostname: LOCALHOST, port: 0 });
        void server.listen(listener);
        return dialTcp(listener.addr, {});
      },
    },
    WebSocket: {
      open(server): Promise<Connection> {
        sockets.push((socket) => void server.serve(connectionFromWebSocket(socket)));
        return dialWebSocket(`ws://${LOCALHOST}:${http.addr.port}/`)({ hostname: LOCALHOST, port: 1 }, {});
      },
    },
    // Closing it settles no pending call. Other transports keep their contract and do.
    stuck: {
      open(server): Promise<Connection> {
        const [near, far] = pipe();
        const never = () => new Promise<never>(() => {});
        void server.serve({
          read: () => far.read().catch(never),
          write: (bytes) => far.write(bytes).catch(never),
          closeWrite: () => far.closeWrite().catch(never),
          close: () => far.close(),
          [Symbol.asyncDispose]: () => far[Symbol.asyncDispose](),
        });
        return Promise.resolve(near);
      },
    },
    streams: {
      open(server): Promise<Connection> {
        const [up, down] = [0, 1].map(() => new TransformStream<Uint8Array, Uint8Array>());
        void server.serve(connectionFromStreams({ readable: up!.readable, writable: down!.writable }));
        return Promise.resolve(connectionFromStreams({ readable: down!.readable, writable: up!.writable }));
      },
    },
  };
  if (tls === undefined) return found;
  return {
    ...found,
    TLS: {
      open(server): Promise<Connection> {
        const listener = listenTls({ hostname: LOCALHOST, port: 0, ...tls });
        void server.listen(listener);
        return dialTls({ caCerts: [tls.cert] })({ ...listener.addr, hostname: "localhost" }, {});
      },
    },
  };
}

/** Returns the events that end a session. */
export function sessionEnds(events: readonly ServerEvent[]): (ServerEvent & { type: "refused" | "closed" })[] {
  return events.filter((event) => event.type === "refused" || event.type === "closed");
}
