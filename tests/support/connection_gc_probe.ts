/**
 * Drops connections and collects the garbage. Prints as JSON how many sockets the peer saw closed, how many listeners
 * the signal has, and how many connections were closed twice; run with `--v8-flags=--expose-gc`.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import type { Bytes } from "../../base/bytes.ts";
import { SocksConnection } from "../../socks/client/socks_connection.ts";
import { dialTcp } from "../../socks/shell/tcp.ts";
import { countedController } from "./counted_signal.ts";

const MANY = 50;
const { gc } = globalThis as unknown as { gc(): void };
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const stop = countedController();
let closed = 0;
let closedAgain = 0;

async function open(): Promise<SocksConnection> {
  const target = { hostname: "127.0.0.1", port: listener.addr.port };
  const [connection, peer] = await Promise.all([dialTcp(target, {}), listener.accept()]);
  void peer.write(new TextEncoder().encode("hello"));
  let closes = 0;
  const close = connection.close.bind(connection);
  connection.close = () => {
    if (closes++ > 0) closedAgain++;
    close();
  };
  // The peer sees the end of each connection, and closes too.
  void (async () => {
    while (await peer.read(new Uint8Array(16)) !== null);
    closed++;
    peer.close();
  })();
  return new SocksConnection(
    { connection, bound: target, protection: "none", identity: { method: "none", name: "", attributes: {} } },
    target,
    stop.signal,
  );
}

/** Creates connections, uses them in every way, and drops them. */
async function forget(): Promise<void> {
  for (let i = 0; i < MANY; i++) {
    const connection = await open();
    await connection.write(new Uint8Array(4));
    if (i % 3 === 0) await connection.read(new Uint8Array(2));
    if (i % 3 === 1) {
      const reader = connection.readable.getReader();
      await reader.read();
      reader.releaseLock();
    }
    if (i % 5 === 0) await connection.closeWrite();
    if (i % 7 === 0) connection.close();
  }
}

async function hold(): Promise<ReadableStream<Bytes>> {
  return (await open()).readable;
}

/** Collects garbage, and lets sockets and finalizers run. */
async function collect(until: number): Promise<void> {
  for (let round = 0; round < 200 && closed < until; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

await forget();
const held = await hold();
await collect(MANY);
gc();
const [forgotten] = [closed];
const reader = held.getReader();
const first = new TextDecoder().decode((await reader.read()).value);
await reader.cancel();
await collect(MANY + 1);
console.log(JSON.stringify({ forgotten, held: first, ended: closed, listeners: stop.listeners(), closedAgain }));
listener.close();
