/** Connections that a program lets go of without closing them. */
import assert from "node:assert/strict";
import { run } from "../../support/process.ts";

Deno.test("UserConnection: is closed when it is collected, unless its stream is referenced", async () => {
  const script = new URL("../../support/connection_gc_probe.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await run(Deno.execPath(), [
    "run",
    "-A",
    "--no-check",
    "--v8-flags=--expose-gc",
    script,
  ]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    forgotten: 50,
    held: "hello",
    ended: 51,
    listeners: 0,
    closedAgain: 0,
  });
});
