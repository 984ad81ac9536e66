/**
 * Small servers that tests connect to.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";

/** An HTTP origin whose page is `body`. */
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
            // A peer that is gone is the end of a connection; an assertion that fails is the test's.
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

/** Sends back what comes, and ends when the client has ended. */
export function echoServer(): TcpServer {
  return new TcpServer(async (connection) => {
    await connection.readable.pipeTo(connection.writable);
  });
}

/** A UDP server on a free port of the loopback interface. */
export interface UdpServer extends AsyncDisposable {
  readonly port: number;
}

/** Answers each datagram with what `answer` makes of it, at an address of this machine's. */
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
