/**
 * Our client as a process of its own, as Dante's is: `client.ts PROXY_PORT TARGET_PORT LEVEL download|handshakes COUNT WAYS`.
 * Prints seconds and octets, or seconds and handshakes. Tickets come from the ordinary cache.
 */
import { connect, noAuthentication, type ProtectionLevel, systemTickets } from "../../mod.ts";

const [proxyPort, targetPort, level, what, count, ways] = Deno.args;
const options = {
  proxy: { hostname: "localhost", port: Number(proxyPort) },
  hostname: "127.0.0.1",
  port: Number(targetPort),
  ...(level === "no authentication"
    ? { auth: [noAuthentication()] }
    : { credentials: systemTickets(), protection: level as ProtectionLevel }),
};
// The first connection gets the ticket and warms up.
(await connect(options)).close();

async function download(): Promise<number> {
  await using connection = await connect(options);
  await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
  const buffer = new Uint8Array(1 << 18);
  let octets = 0;
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) octets += n;
  return octets;
}

const start = performance.now();
let done = 0;
if (what === "download") {
  for (let i = 0; i < Number(count); i++) done += await download();
} else {
  let left = Number(count);
  await Promise.all(Array.from({ length: Number(ways) }, async () => {
    while (left-- > 0) {
      (await connect(options)).close();
      done++;
    }
  }));
}
// deno-lint-ignore no-console
console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, done }));
