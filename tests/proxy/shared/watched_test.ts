/** A store that is slow, stuck, wrong, gone, back, or has forgotten: who waits, who is refused, and what is said. */
import assert from "node:assert/strict";
import { shareThrough } from "../../../proxy/shared/share.ts";
import { SharedStoreError, type SharedStoreOptions } from "../../../proxy/shared/store.ts";
import { MemoryDriver, MemoryStore } from "../../support/memory_store.ts";
import { until } from "../../support/until.ts";

let count = 0;
const entry = (madeAt?: number) => {
  const now = Date.now();
  return { tag: (++count).toString(16).padStart(64, "0"), now, expiresAt: now + 60_000, madeAt };
};

async function start(options: Partial<SharedStoreOptions> = {}) {
  const store = new MemoryStore();
  const said: string[] = [];
  const shared = await shareThrough(new MemoryDriver(store), {
    onLoss: "refuse",
    interval: 40,
    timeout: 10_000,
    onChange: (up, reason) => void said.push(`${up ? "up" : "down"}: ${reason}`),
    ...options,
  });
  return { store, said, shared, [Symbol.asyncDispose]: () => shared[Symbol.asyncDispose]() };
}

const FAULTS = [["silent", /Memory did not answer a write within (40|60) ms/], [
  new Error("READONLY You can't write against a read only replica."),
  /READONLY/,
], [new Error("OOM command not allowed"), /OOM/]] as const;

Deno.test("WatchedStore: is down after a failed probe, and up after the next good one", async () => {
  for (const [mode, reason] of FAULTS) {
    await using one = await start();
    const { store, shared, said } = one;
    assert.equal(shared.state().up, true);
    store.mode = mode;
    await until("down", () => !shared.state().up);
    assert.match(shared.state().reason, reason);
    const { asked } = store;
    const looks = asked.look!;
    await until("five more looks", () => asked.look! > looks + 5);
    assert.equal(said.length, 2, "said once");
    store.mode = "well";
    await until("up", () => shared.state().up);
    assert.deepEqual(said.map((line) => line.split(":")[0]), ["up", "down", "up"]);
    assert.equal(await shared.replayCache.insert(entry()), true);
  }
});

Deno.test("WatchedStore: is not asked while it is known to be lost", async () => {
  for (const onLoss of ["refuse", "allow"] as const) {
    await using one = await start({ onLoss });
    const { store, shared: { replayCache, userLedger, state } } = one;
    store.mode = "silent";
    await until("down", () => !state().up);
    const started = performance.now();
    for (let i = 0; i < 50; i++) {
      const asked = await Promise.allSettled([replayCache.insert(entry()), userLedger.enter(`u${i}`, 1)]);
      for (const one of asked) {
        if (onLoss === "allow") assert.deepEqual(one, { status: "fulfilled", value: true });
        else assert.ok(one.status === "rejected" && one.reason instanceof SharedStoreError);
      }
    }
    assert.ok(performance.now() - started < 5_000);
    assert.equal(store.asked.remember, undefined);
    assert.equal(store.asked.enter, undefined);
  }
});

Deno.test("WatchedStore: a wait for an answer ends when the loss is known", async () => {
  for (const onLoss of ["refuse", "allow"] as const) {
    await using one = await start({ onLoss });
    const { store, shared: { replayCache, userLedger, state } } = one;
    store.mode = "silent";
    // Their own time is ten seconds.
    const asked = await Promise.allSettled([replayCache.insert(entry()), userLedger.enter("u", 1)]);
    assert.equal(state().up, false);
    assert.deepEqual(asked.map(({ status }) => status), Array(2).fill(onLoss === "allow" ? "fulfilled" : "rejected"));
  }
});

Deno.test("WatchedStore: one question without an answer in time is a loss", async () => {
  const store = new MemoryStore();
  const said: boolean[] = [];
  await using shared = await shareThrough(new MemoryDriver(store), {
    onLoss: "refuse",
    interval: 600_000,
    timeout: 30,
    onChange(up): void {
      said.push(up);
      store.mode = "well";
    },
  });
  store.mode = "silent";
  await assert.rejects(async () => await shared.replayCache.insert(entry()), { code: "SHARED_STORE" });
  // It is looked at again at once, and not in ten minutes.
  await until("up", () => shared.state().up);
  assert.deepEqual(said, [true, false, true]);
});

Deno.test("WatchedStore: an answer that is an error starts a probe at once", async () => {
  await using one = await start({ interval: 600_000, timeout: 1_000 });
  const { store, shared } = one;
  store.mode = new Error("READONLY");
  await assert.rejects(async () => await shared.userLedger.enter("u", 1), {
    code: "SHARED_STORE",
    message: /READONLY/,
  });
  await until("down", () => !shared.state().up);
});

Deno.test("SharedStoreError: has its code, and says what is lost", async () => {
  await using one = await start();
  const { store, shared } = one;
  store.mode = new Error("OOM");
  await until("down", () => !shared.state().up);
  const code = "SHARED_STORE";
  await assert.rejects(async () => await shared.replayCache.insert(entry()), {
    code,
    message: /^Cannot tell a replay: .*OOM/,
  });
  await assert.rejects(async () => await shared.userLedger.enter("u", 1), {
    code,
    message: /^Cannot count the user's sessions: .*OOM/,
  });
});

Deno.test("SharedLedger: a user refused for a lost store is not counted", async () => {
  await using one = await start();
  const { store, shared } = one;
  store.mode = "silent";
  await assert.rejects(async () => await shared.userLedger.enter("u", 1));
  store.mode = "well";
  await until("up", () => shared.state().up);
  assert.equal(await shared.userLedger.enter("u", 1), true);
  assert.equal(await shared.userLedger.enter("u", 1), false);
});

Deno.test("SharedReplays: refuse authenticators from before a new era", async () => {
  await using one = await start();
  const { store, shared: { replayCache, state } } = one;
  const before = Date.now() - 1;
  const first = replayCache.knowsSince!;
  await until("some time", () => Date.now() > before + 20);
  store.restart();
  await until("noticed", () => replayCache.knowsSince! > first + 10);
  assert.equal(state().up, true);
  await assert.rejects(async () => await replayCache.insert(entry(before)), {
    code: "SHARED_STORE",
    message: /began anew/,
  });
  assert.equal(await replayCache.insert(entry(Date.now() + 1)), true);
  // A pause changes nothing of what it knows.
  const since = replayCache.knowsSince!;
  store.mode = "silent";
  await until("down", () => !state().up);
  assert.ok(replayCache.knowsSince! > since, "meanwhile it can say nothing");
  store.mode = "well";
  await until("up", () => state().up);
  assert.ok(Math.abs(replayCache.knowsSince! - since) <= 2);
});

Deno.test("SharedReplays: an acceptance without the store begins a new era", async () => {
  const store = new MemoryStore();
  const options: SharedStoreOptions = { onLoss: "allow", interval: 30 };
  await using cut = await shareThrough(new MemoryDriver(store), options);
  await using other = await shareThrough(new MemoryDriver(store), options);
  const since = other.replayCache.knowsSince!;
  store.mode = "silent";
  await until("down", () => !cut.state().up && !other.state().up);
  store.mode = "well";
  await until("up", () => cut.state().up && other.state().up);
  assert.ok(Math.abs(other.replayCache.knowsSince! - since) <= 2, "nobody came meanwhile");
  store.mode = "silent";
  await until("down", () => !cut.state().up);
  assert.equal(await cut.replayCache.insert(entry(0)), true);
  const missing = Date.now();
  store.mode = "well";
  await until("told", () => other.replayCache.knowsSince! >= missing && other.state().up);
  await until("known from then on", () => cut.state().up && cut.replayCache.knowsSince! < Date.now() - 40);
});

Deno.test("SharedLedger: enters its sessions again into a store that is back", async () => {
  await using one = await start({ lease: 600_000 });
  const { store, shared } = one;
  for (const user of ["a", "a", "b"]) assert.equal(await shared.userLedger.enter(user, 2), true);
  store.mode = new Error("gone");
  await until("down", () => !shared.state().up);
  store.restart();
  store.mode = "well";
  await until("counted", () => store.users.get("a")?.size === 2 && store.users.get("b")?.size === 1);
});

Deno.test("SharedLedger: renews all sessions at once, after a third of the lease", async () => {
  await using one = await start({ lease: 300 });
  const { store, shared } = one;
  for (let i = 0; i < 100; i++) assert.equal(await shared.userLedger.enter(`u${i}`, 1), true);
  const before = store.asked.renew ?? 0;
  const begun = performance.now();
  await until("three more", () => store.asked.renew! >= before + 3);
  assert.ok(performance.now() - begun < 5_000);
  assert.equal([...store.users.values()].reduce((sum, { size }) => sum + size, 0), 100);
});

Deno.test("WatchedStore: an observer that throws changes nothing", async () => {
  await using one = await start({
    onChange: () => {
      throw new Error("observer");
    },
  });
  const { store, shared } = one;
  store.mode = "silent";
  await until("down", () => !shared.state().up);
  store.mode = "well";
  await until("up", () => shared.state().up);
});

Deno.test("shareThrough(): refuses an invalid policy or time", async () => {
  const driver = new MemoryDriver(new MemoryStore());
  for (const options of [{ onLoss: "maybe" }, { onLoss: "allow", timeout: -1 }, { onLoss: "allow", lease: NaN }]) {
    await assert.rejects(shareThrough(driver, options as SharedStoreOptions), TypeError);
  }
});
