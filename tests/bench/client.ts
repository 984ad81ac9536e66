/**
 * The client as a process of its own, as Dante's is. Tickets come from the default cache. Prints seconds:
 *
 *     client.ts ROOT download PROXY_PORT TARGET_PORT LEVEL BYTES
 *     client.ts ROOT datagrams PROXY_PORT ECHO_PORT LEVEL ROUND_TRIPS
 *
 * @module
 */
import type { ProtectionLevel } from "../../mod.ts";

const [root, command, proxyPort, port, level, amount] = Deno.args;
const { associate, connect, systemTickets } = await import(`${root}mod.ts`) as typeof import("../../mod.ts");

const options = {
  proxy: { hostname: "localhost", port: Number(proxyPort) },
  credentials: systemTickets(),
  protection: level as ProtectionLevel,
};
const target = { hostname: "127.0.0.1", port: Number(port) };
/** Datagrams under way: at most what every socket on the way can buffer. */
const WINDOW = 16;

async function download(wanted: number): Promise<void> {
  await using connection = await connect({ ...options, ...target });
  await connection.write(new TextEncoder().encode(`GET /${wanted} HTTP/1.0\r\n\r\n`));
  const buffer = new Uint8Array(1 << 18);
  let came = 0;
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) came += n;
  if (came < wanted) throw new Error(`received ${came} of ${wanted} bytes`);
}

/** A lost datagram is replaced. */
async function exchange(roundTrips: number): Promise<void> {
  await using datagrams = await associate(options);
  const data = new Uint8Array(1_200);
  const send = () => void datagrams.send(data, target).catch(() => {}); // The last ones come too late.
  for (let i = 0; i < WINDOW; i++) send();
  const stuck = setInterval(send, 200);
  for (let i = 0; i < roundTrips; i++) {
    await datagrams.receive();
    send();
  }
  clearInterval(stuck);
}

const [work, warmUp] = command === "download" ? [download, 1 << 24] : [exchange, 1_000];
await work(warmUp);
const start = performance.now();
await work(Number(amount));
// deno-lint-ignore no-console
console.log((performance.now() - start) / 1000);
