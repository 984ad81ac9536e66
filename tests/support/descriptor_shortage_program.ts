/**
 * Runs a server that is short of descriptors when an association sends its first datagram. Prints what happened to
 * the datagrams.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { associate, noAuthentication, serve } from "../../mod.ts";
import { pause } from "../../base/deadline.ts";
import { udpServer } from "./servers.ts";

await using echo = await udpServer();
let counts: unknown;
const server = serve({
  port: 0,
  allowUnauthenticated: true,
  commands: ["udp"],
  rules: ["allow localhost"],
  onEvent: (event) => {
    if (event.type === "closed") counts = event.datagrams?.dropped.unreachable;
  },
});
const datagrams = await associate({ proxy: server.addr, auth: [noAuthentication()] });
const ask = async (): Promise<boolean> => {
  await datagrams.send(new Uint8Array(3), { hostname: "127.0.0.1", port: echo.port });
  return await datagrams.receive({ signal: AbortSignal.timeout(150) }).then(() => true, () => false);
};
const held: Deno.FsFile[] = [];
try {
  for (;;) held.push(Deno.openSync("/dev/null"));
} catch {
  // No descriptors are left.
}
console.log("without descriptors:", await ask() ? "answered" : "no answer");
for (const file of held) file.close();
let answered = false;
for (let tries = 0; tries < 100 && !answered; tries++) {
  answered = await ask();
  if (!answered) await pause(50);
}
console.log("with descriptors:", answered ? "answered" : "no answer");
datagrams.close();
await server.shutdown();
console.log("unreachable:", typeof counts === "number" && counts > 0 ? "some" : counts);
