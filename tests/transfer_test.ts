/** A gibibyte through client, bridge and server at each level: right to the octet, and memory stays flat. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { bridge, connect, noAuthentication, serve } from "../mod.ts";
import { startRealmFolder } from "./support/realm_folder.ts";
import { TcpServer } from "./support/servers.ts";

const MIB = 1 << 20;
const TOTAL = 1024 * MIB;
/** Over what the process has once it runs. Buffers in flight take some; a queue that grows would take hundreds. */
const FLAT = 192 * MIB;

/** One mebibyte that differs from the others. */
function block(index: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MIB);
  const words = new Uint32Array(bytes.buffer);
  let state = index + 1;
  for (let i = 0; i < words.length; i++) words[i] = state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return bytes;
}

for (const protection of ["none", "integrity", "confidentiality"] as const) {
  Deno.test(`1 GiB passes client, bridge and server at protection "${protection}" unchanged, in flat memory`, async () => {
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
    await using local = bridge({
      proxy: `localhost:${server.addr.port}`,
      credentials: realm.tickets,
      protection,
      port: 0,
    });
    await using connection = await connect({
      proxy: { hostname: "127.0.0.1", port: local.addr.port },
      hostname: "127.0.0.1",
      port: source.port,
      auth: [noAuthentication()],
    });
    const received = createHash("sha256");
    const buffer = new Uint8Array(256 * 1024);
    let total = 0;
    let first = 0;
    let peak = 0;
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      received.update(buffer.subarray(0, count));
      total += count;
      const { rss } = Deno.memoryUsage();
      if (total < TOTAL / 16) first = rss;
      peak = Math.max(peak, rss);
    }
    assert.equal(total, TOTAL);
    assert.equal(received.digest("hex"), sent.digest("hex"));
    assert.ok(peak - first < FLAT, `memory grew from ${first / MIB} to ${peak / MIB} MiB`);
  });
}
