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

Deno.test("a store that takes nothing is down at the next look, and up at the next that it answers", async () => {
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

Deno.test("nobody waits for a store that is known to be lost, and it is not even asked", async () => {
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

Deno.test("who waits for an answer waits no longer than until the loss is known", async () => {
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

Deno.test("a question that is not answered in time is enough to know of a loss", async () => {
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

Deno.test("an answer that says no has it looked at at once", async () => {
  await using one = await start({ interval: 600_000, timeout: 1_000 });
  const { store, shared } = one;
  store.mode = new Error("READONLY");
  await assert.rejects(async () => await shared.userLedger.enter("u", 1), {
    code: "SHARED_STORE",
    message: /READONLY/,
  });
  await until("down", () => !shared.state().up);
});

Deno.test("refusals have a code of their own, and say which of the two it is", async () => {
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

Deno.test("a user who was refused for a lost store is not counted", async () => {
  await using one = await start();
  const { store, shared } = one;
  store.mode = "silent";
  await assert.rejects(async () => await shared.userLedger.enter("u", 1));
  store.mode = "well";
  await until("up", () => shared.state().up);
  assert.equal(await shared.userLedger.enter("u", 1), true);
  assert.equal(await shared.userLedger.enter("u", 1), false);
});

Deno.test("a store that has begun anew tells no replay of what is from before", async () => {
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

Deno.test("who let somebody in without the store has all others know that something is missing", async () => {
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

Deno.test("sessions are in a store again that has begun anew as soon as it is back", async () => {
  await using one = await start({ lease: 600_000 });
  const { store, shared } = one;
  for (const user of ["a", "a", "b"]) assert.equal(await shared.userLedger.enter(user, 2), true);
  store.mode = new Error("gone");
  await until("down", () => !shared.state().up);
  store.restart();
  store.mode = "well";
  await until("counted", () => store.users.get("a")?.size === 2 && store.users.get("b")?.size === 1);
});

Deno.test("all sessions are renewed by one question, a third of a lease after the last one began", async () => {
  await using one = await start({ lease: 300 });
  const { store, shared } = one;
  for (let i = 0; i < 100; i++) assert.equal(await shared.userLedger.enter(`u${i}`, 1), true);
  const before = store.asked.renew ?? 0;
  const begun = performance.now();
  await until("three more", () => store.asked.renew! >= before + 3);
  assert.ok(performance.now() - begun < 5_000);
  assert.equal([...store.users.values()].reduce((sum, { size }) => sum + size, 0), 100);
});

Deno.test("an observer that throws changes nothing", async () => {
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

Deno.test("what is no policy and no time is said at once", async () => {
  const driver = new MemoryDriver(new MemoryStore());
  for (const options of [{ onLoss: "maybe" }, { onLoss: "allow", timeout: -1 }, { onLoss: "allow", lease: NaN }]) {
    await assert.rejects(shareThrough(driver, options as SharedStoreOptions), TypeError);
  }
});
