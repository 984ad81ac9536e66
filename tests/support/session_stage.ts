/**
 * Ways to a server over which sessions are ended, and what sessions hold meanwhile: connections, listeners and sockets that say
 * whether they were closed, and makers of them that never make them.
 *
 * @module
 */
import { abortable, pause, startDeadline } from "../../base/deadline.ts";
import { SocksServer } from "../../socks/server/server.ts";
import type { ServerEvent, SocksServerOptions } from "../../socks/server/options.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { dialTcp, dialTls, listenTcp, listenTls } from "../../socks/shell/tcp.ts";
import { connectionFromWebSocket, dialWebSocket, WEB_SOCKET_PROTOCOL } from "../../socks/stream/web_socket.ts";
import { connectionFromStreams } from "../../socks/stream/web_streams.ts";
import { pipe } from "./pipe.ts";

const LOCALHOST = "127.0.0.1";

/** Something that is closed or not. */
export interface Held {
  closed: boolean;
  close(): void;
}

/** Something that is closed or not, and does nothing else. */
export function held(): Held {
  return {
    closed: false,
    close(): void {
      this.closed = true;
    },
  };
}

/** A connection to a target, which says whether it was closed. What is written to it is gone. */
export interface Target extends Connection, Held {
  /** How often it was read from. */
  reads: number;
}

/** A target that says nothing, sends without end, or is deaf to its own end: its calls stay pending, as those of no transport may. */
export function target(kind: "silent" | "flood" | "deaf"): Target {
  const ended = Promise.withResolvers<void>();
  return {
    closed: false,
    reads: 0,
    read(): Promise<Uint8Array<ArrayBuffer>> {
      this.reads++;
      if (kind === "flood" && !this.closed) return pause(0).then(() => new Uint8Array(65_536));
      if (kind === "deaf") return new Promise(() => {});
      return ended.promise.then(() => Promise.reject(new Error("Target is closed")));
    },
    write: () => kind === "deaf" ? new Promise(() => {}) : Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close(): void {
      this.closed = true;
      ended.resolve();
    },
    [Symbol.asyncDispose](): Promise<void> {
      this.close();
      return Promise.resolve();
    },
  };
}

/** Makes something when it is told to, whatever signal it is given. */
export interface Deaf<T> {
  /** Resolved when it was asked for the first time. */
  readonly asked: Promise<void>;
  /** Asks for it. */
  make(): Promise<T>;
  /** Makes it, for everybody who asked. */
  resolve(made: T): void;
}

/** Makes nothing yet. */
export function deaf<T>(): Deaf<T> {
  const asked = Promise.withResolvers<void>();
  const made = Promise.withResolvers<T>();
  return {
    asked: asked.promise,
    make(): Promise<T> {
      asked.resolve();
      return made.promise;
    },
    resolve: made.resolve,
  };
}

/** A connection of a client's as if it came over a network; some transports have no addresses, which associations need. */
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

/** A server that knows its sessions' ends. */
export class WatchedServer extends SocksServer {
  readonly served: Promise<void>[] = [];

  override serve(connection: Connection): Promise<void> {
    const session = super.serve(addressed(connection));
    this.served.push(session);
    return session;
  }
}

/** A way to a server. */
export interface Way {
  /** Opens a connection to it. */
  open(server: SocksServer): Promise<Connection>;
}

/** The ways that there are; those that hold a listener of their own end with the stack. */
export function ways(stack: AsyncDisposableStack, tls: { cert: string; key: string } | undefined): Record<string, Way> {
  const sockets: ((socket: WebSocket) => void)[] = [];
  const http = stack.use(Deno.serve({ hostname: LOCALHOST, port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: WEB_SOCKET_PROTOCOL });
    sockets.shift()!(socket);
    return response;
  }));
  const found: Record<string, Way> = {
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
    // Closing it ends nothing that is under way, as with no transport that keeps to its contract.
    deaf: {
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

/** The promise, or a failure after a time that nothing here takes. */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  using deadline = startDeadline({ milliseconds, reason: () => new Error(`${what}: not over in ${milliseconds} ms`) });
  return await abortable(promise, deadline.signal);
}

/** Asks until it is so. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await pause(1);
}

/** Resolved when a count has not grown for a while. */
export async function standsStill(count: () => number): Promise<void> {
  for (let last = -1, times = 0; times < 5; times = count() === last ? times + 1 : 0) {
    last = count();
    await pause(2);
  }
}

/** Events that end a session. */
export function ends(events: readonly ServerEvent[]): (ServerEvent & { type: "refused" | "closed" })[] {
  return events.filter((event) => event.type === "refused" || event.type === "closed");
}

/** Reads so many bytes, or to the end. */
export async function readExactly(connection: Connection, length: number): Promise<void> {
  for (let got = 0; got < length;) {
    const bytes = await connection.read();
    if (bytes === null) throw new Error(`Ended after ${got} of ${length} bytes`);
    got += bytes.length;
  }
}

/** Reads until there is no more, whatever the reason. */
export async function readOut(connection: Connection): Promise<void> {
  try {
    while (await connection.read() !== null);
  } catch {
    // An end like any other.
  }
}

export type { SocksServerOptions };
