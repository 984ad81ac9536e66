/** A gibibyte through client, bridge and server at each level: right to the byte, and memory stays flat. */
import assert from "node:assert/strict";
import { run } from "../support/process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const MIB = 1 << 20;
/** Over what the process had after the first sixteenth: buffers come and go, a queue that grows would take hundreds. */
const FLAT = 64 * MIB;

for (const protection of ["none", "integrity", "confidentiality"]) {
  Deno.test(`transfer: 1 GiB passes client, bridge and server at protection "${protection}" unchanged, in flat memory`, async () => {
    const args = ["run", "-q", "-A", "-c", `${ROOT}deno.json`, `${ROOT}tests/support/transfer_program.ts`, protection];
    const got = await run(Deno.execPath(), args, { timeout: 300_000 });
    assert.equal(got.code, 0, got.stderr);
    const { bytes, sent, received, early, peak } = JSON.parse(got.stdout);
    assert.equal(bytes, 1024 * MIB);
    assert.equal(received, sent);
    assert.ok(peak - early < FLAT, `memory grew from ${early / MIB} to ${peak / MIB} MiB`);
  });
}
