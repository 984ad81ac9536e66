/**
 * Small servers for tests to connect to.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";

/** Starts an HTTP origin whose page is `body`. */
export function origin(body: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(body));
}

/** A TCP server on a free port. */
export class TcpServer implements AsyncDisposable {
  readonly #listener: Deno.TcpListener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #running: Promise<void>;
  readonly #connections = new Set<Deno.TcpConn>();
  #failure: Error | undefined;

  constructor(handle: (connection: Deno.TcpConn) => Promise<void>) {
    this.#running = (async () => {
      const handling: Promise<void>[] = [];
      for await (const connection of this.#listener) {
        this.#connections.add(connection);
        handling.push(
          handle(connection).catch((error) => {
            // A lost peer ends a connection; a failed assertion fails the test.
            if (error instanceof assert.AssertionError) this.#failure ??= error;
          }).finally(() => {
            this.#connections.delete(connection);
            connection[Symbol.dispose]();
          }),
        );
      }
      await Promise.all(handling);
    })();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection[Symbol.dispose]();
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Starts a server that echoes, and ends when the client has ended. */
export function echoServer(): TcpServer {
  return new TcpServer(async (connection) => {
    await connection.readable.pipeTo(connection.writable);
  });
}

/** A UDP server on a free loopback port. */
export interface UdpServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a UDP server that answers each datagram with the result of `answer`. */
export async function udpServer(
  answer: (bytes: Uint8Array, from: string) => Uint8Array = (bytes) => bytes,
  hostname = "127.0.0.1",
): Promise<UdpServer> {
  const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
  socket.on("message", (bytes: Uint8Array, from: { address: string; port: number }) => {
    socket.send(answer(bytes, from.address), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, hostname, () => resolve()));
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
