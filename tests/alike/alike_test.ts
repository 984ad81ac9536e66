/** The same program behaves alike over everything that a byte stream can be had from: every situation over every way. */
import assert from "node:assert/strict";
import { CLOSING } from "./closing.ts";
import { DEAF } from "./deaf.ts";
import { ENDS } from "./ends.ts";
import { GIVING_UP } from "./giving_up.ts";
import { play, unhandledRejections } from "./harness.ts";
import { MEMORY } from "./memory.ts";
import { READERS } from "./readers.ts";
import { READS } from "./reads.ts";
import { inDenosWords, read, type Situation, type Stage, told } from "./situation.ts";
import { WRITES } from "./writes.ts";
import { type Way, WAYS } from "./ways.ts";

const TOPICS: Readonly<Record<string, readonly Situation[]>> = {
  reads: READS,
  readers: READERS,
  memory: MEMORY,
  writes: WRITES,
  ends: ENDS,
  closing: CLOSING,
  "giving up": GIVING_UP,
  deaf: DEAF,
};

/** Whether the ways with TLS are there, which want a certificate. */
const WITH_TLS = WAYS.some(({ kinds }) => kinds.includes("TLS"));

/** What is wanted of a situation over a way; `undefined` where it is not asked. */
function wanted({ gives, needs, except = [] }: Situation, way: Way): string | undefined {
  if (needs === undefined ? way.failuresOnly : !way.abilities.includes(needs)) return undefined;
  const exception = except.find(({ over }) => way.name === over) ?? except.find(({ over }) => way.kinds.includes(over));
  return exception === undefined ? gives : exception.gives;
}

Deno.test("alike: no duplicate situation, and each exception has a way and a reason", () => {
  const known = new Set(WAYS.flatMap(({ name, kinds }) => [name, ...kinds]));
  for (const [topic, situations] of Object.entries(TOPICS)) {
    assert.equal(new Set(situations.map(({ name }) => name)).size, situations.length, topic);
    for (const situation of situations) {
      // Said with TLS or not, there are as many kinds of ways as there are here.
      for (const { over, gives, why } of situation.except ?? []) {
        assert.ok(known.has(over) || !WITH_TLS, `${situation.name}: ${over}`);
        assert.ok(why.length > 10 && gives !== situation.gives, `${situation.name}: ${over}`);
      }
      // What is held to everywhere is held to by ways of ours, at every level.
      const asked = WAYS.filter((way) => wanted(situation, way) === situation.gives && way.kinds.includes("ours"));
      assert.ok(asked.length > 0 || !WITH_TLS, situation.name);
    }
  }
});

Deno.test("alike: sees unhandled rejections, thrown errors and calls that never settle", async () => {
  const [way] = WAYS;
  const situation = { name: "a probe", gives: "", play: () => Promise.resolve("well") };
  assert.equal(await play(situation, way!), "well");
  const listening: Way = {
    ...way!,
    open(opening) {
      opening.signal.addEventListener("abort", () => {});
      return way!.open(opening);
    },
  };
  assert.equal(await play(situation, listening), "well; 1 listeners left");
  const rejecting = {
    ...situation,
    play(): Promise<string> {
      void Promise.reject(new TypeError("nobody wants it"));
      return Promise.resolve("well");
    },
  };
  assert.equal(await play(rejecting, way!), "well; unhandled: TypeError");
  const throwing = { ...situation, play: () => Promise.reject(new RangeError("thrown")) };
  assert.equal(await play(throwing, way!), "RangeError");
  const half = { ...situation, play: ({ stream }: Stage) => told(read(stream), 1) };
  assert.equal(await play(half, way!), "waits");
});

for (const [topic, situations] of Object.entries(TOPICS)) {
  for (const situation of situations) {
    for (const way of WAYS) {
      const gives = wanted(situation, way);
      if (gives === undefined) continue;
      Deno.test(`${topic}: ${situation.name}, over ${way.name}`, async () => {
        const seen = await play(situation, way);
        const alike = way.kinds.includes("Deno") ? inDenosWords(seen) === inDenosWords(gives) : seen === gives;
        assert.ok(alike, `\n    seen    ${seen}\n    wanted  ${gives}`);
      });
    }
  }
}

Deno.test("alike: leaves no unhandled rejection", async () => {
  assert.deepEqual(await unhandledRejections(), []);
});
