/** The time since which a replay cache knows every authenticator. */
import assert from "node:assert/strict";
import { MemoryReplayCache } from "../../../../kerberos/ap/replay/memory.ts";
import { SharedReplayCache } from "../../../../kerberos/ap/replay/shared.ts";
import { TestRuntime } from "../../../support/test_runtime.ts";

Deno.test("knowsSince: is when a cache in memory was created", () => {
  const runtime = new TestRuntime(1_700_000_000_400);
  assert.equal(new MemoryReplayCache({ runtime }).knowsSince, 1_700_000_000_400);
  const before = Date.now();
  assert.ok(new MemoryReplayCache().knowsSince >= before);
  // Shared memory remembers when the first thread began, to the second and never too early; and beyond 2038.
  for (const time of [1_700_000_000_400, 3e12 + 1]) {
    runtime.time = time;
    const ours = new SharedReplayCache({ capacity: 64, runtime });
    const since = 1000 * Math.ceil(time / 1000);
    assert.equal(ours.knowsSince, since);
    runtime.time += 3_600_000;
    assert.equal(new SharedReplayCache({ memory: ours.memory, runtime }).knowsSince, since);
  }
});

Deno.test("knowsSince: follows a clock that is set meanwhile", () => {
  const runtime = new TestRuntime(1_000_000_000);
  let elapsed = 0;
  const clocks = { runtime, elapsed: () => elapsed };
  const caches = [new MemoryReplayCache(clocks), new SharedReplayCache({ capacity: 64, ...clocks })] as const;
  const leap = (wall: number, passed: number) => {
    runtime.time += wall;
    elapsed += passed;
    return caches.map((cache) => cache.knowsSince);
  };
  assert.deepEqual(leap(5_000, 5_000), [1_000_000_000, 1_000_000_000]);
  // An hour behind until now: what was accepted before the start was by the right time.
  assert.deepEqual(leap(3_600_000, 0), [1_003_600_000, 1_003_600_000]);
  // The clock was ahead and is set back: no client is refused until that hour comes.
  assert.deepEqual(leap(-7_200_000, 0), [996_400_000, 996_400_000]);
  assert.deepEqual(leap(60_000, 60_000), [996_400_000, 996_400_000]);
  // A thread that begins now cannot tell how long ago that was, and says too little.
  assert.equal(new SharedReplayCache({ memory: caches[1].memory, ...clocks }).knowsSince, runtime.time);
});
