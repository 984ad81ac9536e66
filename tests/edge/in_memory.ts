/**
 * A program for a runtime that has `fetch` and streams only: client and proxy in one, with streams between them, and the KDC behind HTTP.
 * `main` is called by the runtime's own kind of program.
 *
 * @module
 */
import { type Connection, connectionFromStreams, Keytab, serve } from "../../proxy/edge.ts";
import { edgeProgram, type Given, kdcOverFetch } from "./program.ts";

/** Two connections that are each other's peer. */
function pair(): [Connection, Connection] {
  const pipe = () => new TransformStream<Uint8Array, Uint8Array>({}, { highWaterMark: 4 }, { highWaterMark: 4 });
  const [up, down] = [pipe(), pipe()];
  return [
    connectionFromStreams({ readable: down.readable, writable: up.writable }),
    connectionFromStreams({ readable: up.readable, writable: down.writable }),
  ];
}

/** Sends back what comes, and its end. */
async function echo(connection: Connection): Promise<void> {
  for (let bytes = await connection.read(); bytes !== null; bytes = await connection.read()) {
    await connection.write(bytes);
  }
  await connection.closeWrite();
}

/** Runs the program. */
export async function main(given: Given, kdcUrl: string, keytab: readonly number[]): Promise<string> {
  const proxy = serve({
    keytab: Keytab.decode(Uint8Array.from(keytab)),
    rules: ["allow localhost"],
    resolve: (name) => Promise.reject(new Error(`${name} is not known`)),
    dial: () => {
      const [near, far] = pair();
      void echo(far);
      return Promise.resolve(near);
    },
  });
  const dial = () => {
    const [near, far] = pair();
    void proxy.serveConnection(far);
    return Promise.resolve(near);
  };
  const done = await edgeProgram(given, dial, kdcOverFetch(kdcUrl));
  await proxy.shutdown();
  return done;
}
