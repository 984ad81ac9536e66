/** A replay cache in memory: nothing in force is forgotten, nothing that has expired stays. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryReplayCache } from "../../../../kerberos/ap/replay/memory.ts";
import type { ReplayEntry } from "../../../../kerberos/ap/replay/cache.ts";
import { TestRuntime } from "../../../support/test_runtime.ts";

Deno.test("MemoryReplayCache: an entry that expires late keeps no other entries", () => {
  const cache = new MemoryReplayCache({ capacity: 100 });
  // Made while the server's clock was ahead, which was set right then.
  assert.ok(cache.insert({ tag: "future", now: 0, expiresAt: 1e12 }));
  for (let i = 0; i < 1000; i++) {
    const now = i * 1e6;
    assert.ok(cache.insert({ tag: `t${i}`, now, expiresAt: now + 10 }), `${i}`);
    assert.ok(cache.size <= 3, `${cache.size} entries`);
  }
  assert.equal(cache.insert({ tag: "future", now: 1e9, expiresAt: 1e12 }), false);
});

Deno.test("MemoryReplayCache: makes room to the millisecond, and refuses rather than forgets", () => {
  const cache = new MemoryReplayCache({ capacity: 3 });
  for (const [name, expiresAt] of [["a", 100], ["b", 200], ["c", 5000]] as const) {
    assert.ok(cache.insert({ tag: name, now: 0, expiresAt }));
  }
  assert.throws(() => cache.insert({ tag: "d", now: 100, expiresAt: 9000 }), /full/);
  assert.equal(cache.insert({ tag: "a", now: 100, expiresAt: 9000 }), false, "in force up to its last millisecond");
  assert.ok(cache.insert({ tag: "d", now: 101, expiresAt: 9000 }));
  assert.throws(() => cache.insert({ tag: "e", now: 200, expiresAt: 9000 }), /full/);
  assert.ok(cache.insert({ tag: "b", now: 201, expiresAt: 9000 }), "the same one again, once it has expired");
  assert.equal(cache.insert({ tag: "b", now: 8000, expiresAt: 9000 }), false);
  assert.ok(cache.insert({ tag: "e", now: 8000, expiresAt: 9000 }));
  assert.equal(cache.size, 3, "b, d and e");
});

Deno.test("MemoryReplayCache: forgets only what has expired within a second", () => {
  const cache = new MemoryReplayCache();
  assert.ok(cache.insert({ tag: "early", now: 0, expiresAt: 3_000 }));
  assert.ok(cache.insert({ tag: "late", now: 0, expiresAt: 5_900 }));
  // One slot after the other, and all at once.
  for (const [name, now] of [["x", 4_500], ["y", 5_100], ["z", 5_899]] as const) {
    assert.ok(cache.insert({ tag: name, now, expiresAt: now + 600_000 }));
    assert.equal(cache.insert({ tag: "late", now, expiresAt: now + 600_000 }), false, `at ${now}`);
  }
  assert.ok(cache.insert({ tag: "late", now: 5_901, expiresAt: 600_000 }));
});

Deno.test("property: MemoryReplayCache knows what is in force, whatever the clock does", () => {
  const step = fc.record({
    tag: fc.integer({ min: 0, max: 30 }).map(String),
    // Clocks leap, forth and back.
    leap: fc.constantFrom(0, 1, 400, 999, 1000, 2500, 60_000, 1e9, -1, -1500, -1e9),
    life: fc.constantFrom(0, 1, 500, 3000, 600_000, 1e10),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const cache = new MemoryReplayCache({ capacity: 1000 });
    const model = new Map<string, number>();
    let now = 1e12;
    let latest = now;
    for (const { tag, leap, life } of steps) {
      now += leap;
      latest = Math.max(latest, now);
      const held = model.get(tag);
      const fresh = cache.insert({ tag, now, expiresAt: now + life });
      if (held === undefined || held < now) assert.equal(fresh, true);
      // What has been forgotten while the clock was ahead may come again when it is set back; nothing else may.
      else if (held >= latest) assert.equal(fresh, false);
      if (fresh) model.set(tag, now + life);
    }
    now = Math.max(...model.values(), latest) + 2_000;
    assert.ok(cache.insert({ tag: "last", now, expiresAt: now }));
    assert.equal(cache.size, 1, "all that has expired is gone");
  }));
});

Deno.test("property: MemoryReplayCache takes an authenticator once while the clock advances", () => {
  const step = fc.record({ tag: fc.integer({ min: 0, max: 20 }).map(String), leap: fc.nat({ max: 3000 }) });
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const cache = new MemoryReplayCache();
    const model = new Map<string, number>();
    let now = 1e12;
    for (const { tag, leap } of steps) {
      now += leap;
      const expected = (model.get(tag) ?? -Infinity) < now;
      assert.equal(cache.insert({ tag, now, expiresAt: now + 10_000 }), expected);
      if (expected) model.set(tag, now + 10_000);
    }
  }));
});

Deno.test("MemoryReplayCache: takes as long for an entry when it is full as when it is empty", () => {
  const cache = new MemoryReplayCache({ capacity: 200_000 });
  const entry = (i: number): ReplayEntry => ({ tag: `${i}`, now: i, expiresAt: i + 600_000 });
  for (let i = 0; i < 200_000; i++) assert.ok(cache.insert(entry(i)));
  const started = performance.now();
  // Full of what is in force, then going on at a steady pace, then after a leap over everything.
  for (let i = 0; i < 2_000; i++) assert.throws(() => cache.insert({ ...entry(200_000), tag: `x${i}` }), /full/);
  for (let i = 0; i < 50_000; i++) assert.ok(cache.insert({ ...entry(i + 601_000), tag: `y${i}` }));
  assert.ok(cache.insert({ tag: "far", now: 1e15, expiresAt: 1e15 }));
  assert.equal(cache.size, 1);
  assert.ok(performance.now() - started < 5_000);
});

Deno.test("knowsSince: is when the last forgotten entry was inserted", () => {
  const runtime = new TestRuntime(1_000);
  const cache = new MemoryReplayCache({ capacity: 2, runtime });
  cache.insert({ tag: "a", now: 2_000, expiresAt: 10_100 });
  cache.insert({ tag: "b", now: 3_000, expiresAt: 10_200 });
  assert.equal(cache.knowsSince, 1_000);
  // For want of room, in the second in which they expire.
  cache.insert({ tag: "c", now: 10_150, expiresAt: 20_000 });
  assert.equal(cache.knowsSince, 3_000);
  cache.insert({ tag: "d", now: 10_250, expiresAt: 30_000 });
  cache.insert({ tag: "e", now: 21_000, expiresAt: 31_000 });
  assert.equal(cache.knowsSince, 10_150);
});

Deno.test("MemoryReplayCache: one client has only its share, and others get in", () => {
  const cache = new MemoryReplayCache({ capacity: 800 });
  const fill = (client: string | undefined, most: number) => {
    let count = 0;
    try {
      for (; count < most; count++) {
        assert.ok(cache.insert({ tag: `${client} ${count}`, now: 0, expiresAt: 600_000, client }));
      }
    } catch (error) {
      assert.match(String(error), client === undefined ? /is full/ : /its share/);
    }
    return count;
  };
  assert.equal(fill("mallory@R", 800), 400, "as many as are free");
  assert.equal(fill("bob@R", 800), 200);
  assert.equal(fill("carol@R", 800), 100, "an eighth, whatever other clients use");
  assert.equal(fill("dave@R", 60), 60);
  assert.throws(() => cache.insert({ tag: "x", now: 0, expiresAt: 600_000, client: "mallory@R" }), /its share/);
  assert.equal(fill(undefined, 800), 40, "without a client only the free room counts");
  // Each that runs out gives a place back to its client.
  assert.ok(cache.insert({ tag: "y", now: 600_001, expiresAt: 1_200_001, client: "mallory@R" }));
  assert.equal(cache.size, 1);
  assert.equal(cache.insert({ tag: "y", now: 600_001, expiresAt: 1_200_001, client: "bob@R" }), false);
  // A small cache is not shared out: the first client may fill it.
  const small = new MemoryReplayCache({ capacity: 2 });
  for (const tag of ["a", "b"]) assert.ok(small.insert({ tag, now: 0, expiresAt: 9, client: "a" }));
});

Deno.test("MemoryReplayCache: forgotten and repeated entries do not count for a share", () => {
  const cache = new MemoryReplayCache({ capacity: 16 });
  for (let now = 0; now < 900; now += 10) {
    // All in one second, so that what has expired goes where room is short.
    assert.ok(cache.insert({ tag: `t${now}`, now, expiresAt: now + 19, client: "alice@R" }), `${now}`);
    assert.ok(cache.insert({ tag: "again", now, expiresAt: now + 9, client: "bob@R" }), `${now}`);
  }
  assert.ok(cache.size <= 16);
});

Deno.test("MemoryReplayCache: forgets what has expired, and refuses when it is full", () => {
  const cache = new MemoryReplayCache({ capacity: 2 });
  assert.ok(cache.insert({ tag: "a", expiresAt: 10, now: 0 }));
  assert.ok(cache.insert({ tag: "b", expiresAt: 20, now: 0 }));
  assert.ok(!cache.insert({ tag: "a", expiresAt: 99, now: 10 }));
  assert.throws(() => cache.insert({ tag: "c", expiresAt: 30, now: 5 }));
  assert.ok(cache.insert({ tag: "c", expiresAt: 30, now: 11 }));
  assert.equal(cache.size, 2);
});

Deno.test("MemoryReplayCache: refuses a capacity of none", () => {
  for (const capacity of [0, -1, NaN]) {
    assert.throws(() => new MemoryReplayCache({ capacity }), RangeError, String(capacity));
  }
});
