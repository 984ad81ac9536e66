/**
 * The client as a process of its own, as Dante's is: `client.ts PROXY_PORT TARGET_PORT LEVEL BYTES`. Prints the
 * seconds that a download of so many bytes took. Tickets come from the default cache.
 *
 * @module
 */
import { connect, type ProtectionLevel, systemTickets } from "../../mod.ts";

const [proxyPort, targetPort, level, bytes] = Deno.args;
const options = {
  proxy: { hostname: "localhost", port: Number(proxyPort) },
  hostname: "127.0.0.1",
  port: Number(targetPort),
  credentials: systemTickets(),
  protection: level as ProtectionLevel,
};
const buffer = new Uint8Array(1 << 18);

/** Bytes received, including headers. */
async function download(wanted: number): Promise<number> {
  await using connection = await connect(options);
  await connection.write(new TextEncoder().encode(`GET /${wanted} HTTP/1.0\r\n\r\n`));
  let came = 0;
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) came += n;
  return came;
}

// The first download gets the ticket and warms up.
await download(1 << 24);
const start = performance.now();
const came = await download(Number(bytes));
const seconds = (performance.now() - start) / 1000;
if (came < Number(bytes)) throw new Error(`received ${came} of ${bytes} bytes`);
// deno-lint-ignore no-console
console.log(seconds);
