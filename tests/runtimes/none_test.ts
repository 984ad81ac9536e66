/** A runtime without sockets, files and an environment: what opens something says so, and what to pass instead. */
import assert from "node:assert/strict";
import { run } from "../support/process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("no platform: every opener says what this runtime cannot do, and what to pass instead", async () => {
  const program = `${ROOT}tests/runtimes/none.ts`;
  const { code, stdout, stderr } = await run(Deno.execPath(), ["run", "-q", "-A", "-c", `${ROOT}deno.json`, program]);
  assert.equal(code, 0, stderr);
  const lines = stdout.trim().split("\n");
  assert.equal(lines.length, 28);
  for (const line of lines) {
    assert.match(line, /: Cannot [^;]+: this runtime has no means for it; (?:[a-z`]|create)/);
    assert.doesNotMatch(line, /is not defined|undefined/);
  }
});
