/** A replay cache in shared memory: threads share it, and a lock that is never freed costs its bucket only. */
import assert from "node:assert/strict";
import { SharedReplayCache } from "../../../../kerberos/ap/replay/shared.ts";

const SHARED = new URL("../../../../kerberos/ap/replay/shared.ts", import.meta.url).href;

/** In front of the first bucket, which begins with its lock. */
const HEADER_WORDS = 2;

const tag = (number: number, bucket = 0) =>
  bucket.toString(16).padStart(8, "0") + number.toString(16).padStart(24, "0");

Deno.test("SharedReplayCache: one client has half of each bucket at most", () => {
  const cache = new SharedReplayCache({ capacity: 16 });
  const fill = (client: string, now: number) => {
    for (let count = 0;; count++) {
      try {
        cache.insert({ tag: client + count.toString(16).padStart(24, "0"), now, expiresAt: now + 5_000, client });
      } catch (error) {
        assert.match(String(error), /its share|is full/);
        return count;
      }
    }
  };
  assert.deepEqual(["aaaaaaaa", "bbbbbbbb", "cccccccc"].map((client) => fill(client, 1_000)), [8, 4, 2]);
  assert.equal(fill("aaaaaaaa", 7_000), 8, "what has expired counts no more");
});

Deno.test("SharedReplayCache: of concurrent threads one gets an authenticator", async () => {
  const ROUNDS = 1_000;
  const cache = new SharedReplayCache({ capacity: 65_536 });
  const code = `
    import { SharedReplayCache } from ${JSON.stringify(SHARED)};
    self.onmessage = ({ data: { memory, gate } }) => {
      const cache = new SharedReplayCache({ memory });
      const met = new Int32Array(gate);
      const fresh = [];
      for (let round = 1; round <= ${ROUNDS}; round++) {
        const tag = Math.imul(round, 0x9e3779b1).toString(16).replace("-", "").padStart(8, "0").repeat(4);
        Atomics.add(met, 0, 1);
        for (let spins = 1; Atomics.load(met, 0) < 2 * round; spins++) {
          if (spins % 10_000 === 0) Atomics.wait(met, 1, 0, 1);
        }
        fresh.push(cache.insert({ tag, now: 1_000, expiresAt: 9_000 }) ? 1 : 0);
      }
      self.postMessage(fresh);
    };`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const gate = new SharedArrayBuffer(8);
  const [ours, theirs] = await Promise.all([0, 1].map(() => {
    const worker = new Worker(url, { type: "module" });
    return new Promise<number[]>((resolve, reject) => {
      worker.onmessage = ({ data }) => {
        worker.terminate();
        resolve(data);
      };
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage({ memory: cache.memory, gate });
    });
  }));
  URL.revokeObjectURL(url);
  const counts = ours!.map((fresh, i) => fresh + theirs![i]!);
  assert.deepEqual(counts.filter((count) => count !== 1), []);
});

Deno.test("SharedReplayCache: a thread that ends with a lock costs its bucket only", async () => {
  const cache = new SharedReplayCache({ capacity: 64 });
  const entry = (number: number, bucket: number) => ({ tag: tag(number, bucket), now: 1_000, expiresAt: 5_000 });
  assert.ok(cache.insert(entry(1, 0)));
  // As if the thread were ended at the moment before it gives the lock back.
  const { store } = Atomics;
  Atomics.store = () => {
    throw new Error("ended here");
  };
  try {
    assert.throws(() => cache.insert(entry(2, 0)), /ended here/);
  } finally {
    Atomics.store = store;
  }
  const other = new SharedReplayCache({ memory: cache.memory });
  const started = performance.now();
  for (let i = 0; i < 50; i++) {
    assert.throws(() => other.insert(entry(3, 0)), /keeps a part of the replay cache locked/);
  }
  assert.ok(performance.now() - started < 5_000, "waited for once, and not for ever");
  // In a thread of its own too.
  const code = `
    import { SharedReplayCache } from ${JSON.stringify(SHARED)};
    self.onmessage = ({ data: { memory, entries } }) => {
      const cache = new SharedReplayCache({ memory });
      self.postMessage(entries.map((entry) => {
        try {
          return cache.insert(entry);
        } catch (error) {
          return error.message;
        }
      }));
    };`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  const said = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ memory: cache.memory, entries: [entry(1, 0), entry(1, 1), entry(1, 1)] });
  });
  worker.terminate();
  URL.revokeObjectURL(url);
  assert.deepEqual(said, [
    "Cannot detect replays: a thread keeps a part of the replay cache locked; restart all threads",
    true,
    false,
  ]);
  // One that was only slow gives it back.
  Atomics.store(new Int32Array(cache.memory), HEADER_WORDS, 0);
  assert.equal(other.insert(entry(1, 0)), false);
});

Deno.test("SharedReplayCache: waits for a thread that holds a lock for a moment", async () => {
  const code = `self.onmessage = ({ data }) => {
    const words = new Int32Array(data);
    self.postMessage("ready");
    Atomics.wait(words, ${HEADER_WORDS + 1}, 0, 30);
    Atomics.store(words, ${HEADER_WORDS}, 0);
    Atomics.notify(words, ${HEADER_WORDS}, 1);
    self.postMessage("free");
  };`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  const said: string[] = [];
  let wake = () => {};
  worker.onmessage = ({ data }) => {
    said.push(data);
    wake();
  };
  const hear = async (count: number) => {
    while (said.length < count) await new Promise<void>((resolve) => wake = resolve);
  };
  // On a machine that is busy the other thread may sleep for longer than is waited; not each time.
  let had = 0;
  for (let round = 0; round < 5 && had === 0; round++) {
    const cache = new SharedReplayCache({ capacity: 16 });
    Atomics.store(new Int32Array(cache.memory), HEADER_WORDS, 1);
    worker.postMessage(cache.memory);
    await hear(2 * round + 1);
    try {
      if (cache.insert({ tag: tag(1), now: 1_000, expiresAt: 5_000 })) had++;
    } catch { /* It slept. */ }
    await hear(2 * round + 2);
  }
  worker.terminate();
  URL.revokeObjectURL(url);
  assert.equal(had, 1);
});

Deno.test("SharedReplayCache: refuses a capacity of none", () => {
  for (const capacity of [0, -1, NaN]) {
    assert.throws(() => new SharedReplayCache({ capacity }), RangeError, String(capacity));
  }
  assert.throws(() => new SharedReplayCache({ memory: new SharedArrayBuffer(16) }), RangeError);
});
