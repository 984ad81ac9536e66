/** Stores other than Redis: the table of what each must do. That of Redis is in interop/redis_stores_test.ts. */
import assert from "node:assert/strict";
import { connectDenoKv } from "../../proxy/deno_kv.ts";
import { shareThrough } from "../../proxy/shared/share.ts";
import { MemoryDriver, MemoryStore } from "../support/memory_store.ts";
import { run } from "../support/process.ts";
import { STORE_TESTS } from "./store_suite.ts";

for (const { name, run } of STORE_TESTS) {
  Deno.test(`memory: ${name}`, async () => {
    const store = new MemoryStore();
    await run((options) => shareThrough(new MemoryDriver(store), options));
  });
}

Deno.test("Deno KV does all of it", async () => {
  const suite = new URL("kv_suite.ts", import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const args = ["run", "-A", "-q", "--no-check", "--unstable-kv", "--config", config, suite];
  const { code, stdout, stderr } = await run(Deno.execPath(), args, { timeout: 60_000 });
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split("\n"), STORE_TESTS.map(({ name }) => `passed: ${name}`));
});

Deno.test("Deno KV without its flag says which one", { ignore: "openKv" in Deno }, async () => {
  await assert.rejects(connectDenoKv({ onLoss: "refuse" }), /--unstable-kv/);
});
