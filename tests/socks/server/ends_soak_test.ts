/** Two thousand sessions over sockets, ended in every order by either side, at both levels: nothing of them is left. */
import assert from "node:assert/strict";
import { run } from "../../support/process.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
/** Rounds, the first of which is not measured, and sessions of each order and level in one. */
const [ROUNDS, EACH] = [3, 31];
/** Bytes of a session that are noise: one that stays has thousands. */
const NOISE = 1_000;

Deno.test({
  name:
    "2,000 sessions that ended in every order leave no descriptor, no session, no heap, and nobody who waits for a signal",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const script = new URL("../../support/session_end_probe.ts", import.meta.url).pathname;
    const args = [
      "run",
      "-q",
      "-A",
      "--v8-flags=--expose-gc",
      "-c",
      `${ROOT}deno.json`,
      script,
      `${ROUNDS}`,
      `${EACH}`,
    ];
    const { stdout, stderr } = await run(Deno.execPath(), args, { timeout: 120_000 });
    const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
    const end = lines.pop();
    assert.equal(lines.length, ROUNDS, stderr);
    assert.ok(ROUNDS * lines[0].sessions >= 2_000);
    for (const { descriptors } of lines) assert.equal(descriptors, 0);
    const grown = (lines.at(-1).heap - lines[0].heap) / ((ROUNDS - 1) * lines[0].sessions);
    assert.ok(grown < NOISE, `${grown} bytes of each session are left: ${stdout}`);
    // Both servers wait for the signal, and no session does.
    assert.deepEqual(end, { sessions: 0, before: 2, after: 0 });
  },
});
