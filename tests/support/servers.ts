/**
 * Small servers that tests connect to.
 *
 * @module
 */

/** An HTTP origin whose page is `body`. */
export function origin(body: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(body));
}

/** A TCP server on a free port. */
export class TcpServer implements AsyncDisposable {
  readonly #listener: Deno.TcpListener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #running: Promise<void>;
  readonly #connections = new Set<Deno.TcpConn>();

  constructor(handle: (connection: Deno.TcpConn) => Promise<void>) {
    this.#running = (async () => {
      const handling: Promise<void>[] = [];
      for await (const connection of this.#listener) {
        this.#connections.add(connection);
        handling.push(
          handle(connection).catch(() => {}).finally(() => {
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
  }
}

/** Sends back what comes, and ends when the client has ended. */
export function echoServer(): TcpServer {
  return new TcpServer(async (connection) => {
    await connection.readable.pipeTo(connection.writable);
  });
}
