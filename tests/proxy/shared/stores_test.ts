/** Stores other than Redis: the table of what each must do. That of Redis is in interop/redis_stores_test.ts. */
import assert from "node:assert/strict";
import { connectDenoKv } from "../../../proxy/shell/deno_kv.ts";
import { type Kv, KvDriver } from "../../../proxy/shared/kv_driver.ts";
import { shareThrough } from "../../../proxy/shared/share.ts";
import { MemoryDriver, MemoryStore } from "../../support/memory_store.ts";
import { run } from "../../support/process.ts";
import { STORE_TESTS } from "./store_suite.ts";

for (const { name, run } of STORE_TESTS) {
  Deno.test(`memory: ${name}`, async () => {
    const store = new MemoryStore();
    await run((options) => shareThrough(new MemoryDriver(store), options));
  });
}

Deno.test("Deno KV: passes the suite of stores", async () => {
  const suite = new URL("kv_suite.ts", import.meta.url).pathname;
  const config = new URL("../../../deno.json", import.meta.url).pathname;
  const args = ["run", "-A", "-q", "--no-check", "--unstable-kv", "--config", config, suite];
  const { code, stdout, stderr } = await run(Deno.execPath(), args, { timeout: 60_000 });
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split("\n"), STORE_TESTS.map(({ name }) => `passed: ${name}`));
});

Deno.test("Deno KV: names the flag that is missing", { ignore: "openKv" in Deno }, async () => {
  await assert.rejects(connectDenoKv({ onLoss: "refuse" }), /--unstable-kv/);
});

/** A database in memory, of which each one that is opened is another one. */
function makeKv() {
  const values = new Map<string, { value: unknown; versionstamp: string }>();
  let versions = 0;
  const kv: Kv & { closed: boolean } = {
    closed: false,
    get: (key) => Promise.resolve({ key, value: null, versionstamp: null, ...values.get(key.join("/")) }),
    atomic() {
      const checks: (() => boolean)[] = [];
      const sets: (() => void)[] = [];
      const atomic: ReturnType<Kv["atomic"]> = {
        check(...entries) {
          for (const { key, versionstamp } of entries) {
            checks.push(() => (values.get(key.join("/"))?.versionstamp ?? null) === versionstamp);
          }
          return atomic;
        },
        set(key, value) {
          sets.push(() => void values.set(key.join("/"), { value, versionstamp: String(++versions) }));
          return atomic;
        },
        commit() {
          const ok = checks.every((holds) => holds());
          if (ok) { for (const set of sets) set(); }
          return Promise.resolve({ ok });
        },
      };
      return atomic;
    },
    close: () => void (kv.closed = true),
  };
  return kv;
}

Deno.test("Deno KV: a lost file begins a new era, and accepts nothing meanwhile", async () => {
  const opened: ReturnType<typeof makeKv>[] = [];
  let mark: string | undefined = "1";
  let canOpen = true;
  const openKv = () => {
    if (!canOpen) return Promise.reject(new Error("no folder"));
    opened.push(makeKv());
    return Promise.resolve(opened.at(-1)!);
  };
  const markOf = () => mark === undefined ? Promise.reject(new Error("No such file")) : Promise.resolve(mark);
  const driver = new KvDriver(openKv, "p", markOf);
  await driver.open();
  const options = { gap: false, signal: new AbortController().signal };
  const first = await driver.look(options);
  assert.equal(await driver.remember("a", 1_000), true);
  assert.equal(await driver.remember("a", 1_000), false);
  assert.equal((await driver.look(options)).id, first.id);
  for (const now of ["2", undefined]) {
    mark = now;
    await assert.rejects(() => driver.remember(`${now}`, 1_000), /gone, or another one is in its place/);
  }
  // It cannot be told which one was opened: it is opened again.
  await assert.rejects(() => driver.look(options), /No such file/);
  await assert.rejects(() => driver.remember("b", 1_000), /gone/);
  canOpen = false;
  await assert.rejects(() => driver.look(options), /no folder/);
  await assert.rejects(() => driver.remember("b", 1_000), /not open/);
  [canOpen, mark] = [true, "3"];
  const second = await driver.look(options);
  assert.notEqual(second.id, first.id);
  assert.equal(await driver.remember("a", 1_000), true);
  mark = "4";
  const late = driver.look(options).catch(() => {});
  await driver.close();
  await late;
  assert.deepEqual(opened.map(({ closed }) => closed), opened.map(() => true));
});
