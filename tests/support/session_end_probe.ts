/**
 * Ends sessions over sockets in every order, and reports what stays: descriptors, sessions, listeners of the server's
 * signal, and bytes on the heap. Prints a line of JSON for each round and one at the end; run with
 * `--v8-flags=--expose-gc`.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { pause } from "../../base/deadline.ts";
import type { ReplayCache } from "../../kerberos/ap/replay/cache.ts";
import { connect, noAuthentication, serve, type ServeOptions, type SocksConnection } from "../../mod.ts";
import { countedController } from "./counted_signal.ts";
import { until } from "./waiting.ts";
import { startRealmFolder } from "./realm_folder.ts";

const [rounds, each] = Deno.args.map(Number) as [number, number];
const LOCALHOST = "127.0.0.1";
const { gc } = globalThis as unknown as { gc(): void };
const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;

await using realm = await startRealmFolder();
using listener = Deno.listen({ hostname: LOCALHOST, port: 0 });
/** Waits for the connection to a target, by the first byte that it is sent. */
const arrivals = new Map<string, (target: Deno.TcpConn) => void>();
const accepting = (async () => {
  for await (const target of listener) void arrive(target);
})();

async function arrive(target: Deno.TcpConn): Promise<void> {
  const name = new Uint8Array(4);
  for (let got = 0; got < 4;) got += (await target.read(name.subarray(got)))!;
  arrivals.get(String(name))!(target);
}

const stop = countedController();
// A real replay cache keeps its entries for minutes.
const forgetful: ReplayCache = { insert: () => true };
const options: ServeOptions = {
  port: 0,
  keytab: realm.keytab,
  allowUnauthenticated: true,
  gssapi: { replayCache: forgetful },
  rules: ["allow localhost"],
  signal: stop.signal,
};
await using server = serve(options);
await using impatient = serve({ ...options, timeouts: { idle: 400 } });

interface Ends {
  readonly client: SocksConnection;
  readonly target: Deno.TcpConn;
  readonly abort: () => void;
}

const buffer = new Uint8Array(10);
const ignore = () => {};
/** Reads until the connection ends or fails. */
const out = async (end: { read(into: Uint8Array): Promise<number | null> }): Promise<void> => {
  const room = new Uint8Array(4096);
  try {
    while (await end.read(room) !== null);
  } catch {
    // A failed read is an end too.
  }
};

/** Orders in which a session ends. */
const ORDERS: Record<string, (ends: Ends) => Promise<unknown> | void> = {
  client: ({ client, target }) => {
    client.close();
    return out(target);
  },
  target: ({ client, target }) => {
    target.close();
    return out(client);
  },
  both: ({ client, target }) => {
    client.close();
    target.close();
  },
  abort: ({ abort, target }) => {
    abort();
    return out(target);
  },
  // Unread bytes at close become a reset.
  reset: async ({ client, target }) => {
    await target.write(new Uint8Array(50_000));
    await client.read(buffer);
    client.close();
    await out(target);
  },
  targetReset: async ({ client, target }) => {
    await client.write(new Uint8Array(50_000));
    await target.read(buffer);
    target.close();
    await out(client);
  },
  halfClient: async ({ client, target }) => {
    await client.closeWrite();
    await out(target);
    target.close();
    await out(client);
  },
  halfTarget: async ({ client, target }) => {
    await target.closeWrite();
    await out(client);
    await client.closeWrite();
    await out(target);
  },
  idle: ({ client, target }) => Promise.all([out(client), out(target)]),
};

let names = 0;

async function session(order: string, level: "none" | "confidentiality"): Promise<void> {
  const proxy = { hostname: "localhost", port: (order === "idle" ? impatient : server).addr.port };
  const controller = new AbortController();
  const how = level === "none" ? { auth: [noAuthentication()] } : { credentials: realm.tickets };
  const through = { proxy, ...how, hostname: LOCALHOST, signal: controller.signal };
  if (order === "killed") {
    const raw = await Deno.connect({ hostname: LOCALHOST, port: proxy.port });
    await raw.write(level === "none" ? Uint8Array.of(5, 1) : Uint8Array.of(5, 1, 1, 1, 1, 0, 50, 0x60));
    if (level !== "none") await raw.read(buffer);
    return raw.close();
  }
  if (order === "refused") {
    return await connect({ ...through, hostname: "10.0.0.1", port: 9 }).then((c) => c.close(), ignore);
  }
  const client = await connect({ ...through, port: (listener.addr as Deno.NetAddr).port });
  const name = new Uint8Array(new Uint32Array([names++]).buffer);
  const arrived = new Promise<Deno.TcpConn>((resolve) => arrivals.set(String(name), resolve));
  await client.write(name);
  const target = await arrived;
  arrivals.delete(String(name));
  await ORDERS[order]!({ client, target, abort: () => controller.abort(new Error("enough")) });
  client.close();
  try {
    target.close();
  } catch {
    // The connection may be closed already.
  }
}

const orders = [...Object.keys(ORDERS), "killed", "refused"];
async function round(): Promise<void> {
  for (const level of ["none", "confidentiality"] as const) {
    for (const order of orders) {
      await Promise.all(Array.from({ length: each }, () => session(order, level)));
    }
  }
  await until(() => server.sessions + impatient.sessions === 0);
  // Sockets and finalizers are released in a later turn.
  for (let turns = 0; turns < 10; turns++) {
    await pause(1);
    gc();
  }
}

await round();
const before = descriptors();
for (let i = 0; i < rounds; i++) {
  if (i > 0) await round();
  const { heapUsed, external } = Deno.memoryUsage();
  console.log(
    JSON.stringify({
      sessions: 2 * orders.length * each,
      heap: heapUsed,
      external,
      descriptors: descriptors() - before,
    }),
  );
}
const listeners = stop.listeners();
await server[Symbol.asyncDispose]();
await impatient[Symbol.asyncDispose]();
console.log(JSON.stringify({ sessions: server.sessions, before: listeners, after: stop.listeners() }));
listener.close();
await accepting;
