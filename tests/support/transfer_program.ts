/**
 * Sends a gibibyte through client, bridge and server at one level. A process of its own, so that its memory is
 * measured alone: `transfer_program.ts LEVEL`. Prints what was sent, what was received, and the memory on the way.
 */
import { createHash } from "node:crypto";
import { bridge, connect, noAuthentication, type ProtectionLevel, serve } from "../../mod.ts";
import { startRealmFolder } from "./realm_folder.ts";
import { TcpServer } from "./servers.ts";

const MIB = 1 << 20;
const TOTAL = 1024 * MIB;
const protection = Deno.args[0] as ProtectionLevel;

/** Returns a mebibyte that differs from the others. */
function block(index: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MIB);
  const words = new Uint32Array(bytes.buffer);
  let state = index + 1;
  for (let i = 0; i < words.length; i++) words[i] = state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return bytes;
}

await using realm = await startRealmFolder();
const sent = createHash("sha256");
await using source = new TcpServer(async (connection) => {
  for (let i = 0; i < TOTAL / MIB; i++) {
    const bytes = block(i);
    sent.update(bytes);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  }
});
await using server = serve({ port: 0, keytab: realm.keytab, protection: [protection], rules: ["allow localhost"] });
await using local = bridge({ proxy: `localhost:${server.addr.port}`, credentials: realm.tickets, protection, port: 0 });
await using connection = await connect({
  proxy: { hostname: "127.0.0.1", port: local.addr.port },
  hostname: "127.0.0.1",
  port: source.port,
  auth: [noAuthentication()],
});
const received = createHash("sha256");
const buffer = new Uint8Array(256 * 1024);
let bytes = 0;
let early = 0;
let peak = 0;
for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
  received.update(buffer.subarray(0, count));
  bytes += count;
  const { rss } = Deno.memoryUsage();
  if (bytes < TOTAL / 16) early = Math.max(early, rss);
  peak = Math.max(peak, rss);
}
const result = { bytes, sent: sent.digest("hex"), received: received.digest("hex"), early, peak };
// deno-lint-ignore no-console
console.log(JSON.stringify(result));
