/** Memory given out in parts, and functions that remember their last result. */
import assert from "node:assert/strict";
import { rememberingLast } from "../../base/last_call.ts";
import { Slab } from "../../base/slab.ts";

Deno.test("Slab: never gives out memory that was taken, whatever its size", () => {
  const slab = new Slab();
  const taken: Uint8Array[] = [];
  for (let i = 0; i < 500; i++) {
    const room = slab.room(65_535);
    assert.equal(room.length, 65_535);
    const length = [0, 1, 1_200, 65_535][i % 4]!;
    slab.take(length);
    taken.push(room.subarray(0, length).fill(i));
  }
  for (const [i, part] of taken.entries()) assert.ok(part.every((byte) => byte === i % 256), `part ${i}`);
  // What was not taken is given out again, and few pieces hold many parts.
  assert.equal(slab.room(10).byteOffset, slab.room(10).byteOffset);
  assert.ok(new Set(taken.map(({ buffer }) => buffer)).size <= 250);
  assert.equal(slab.room(1_000_000).length, 1_000_000);
});

Deno.test("rememberingLast(): computes again for another argument only", () => {
  const asked: (string | undefined)[] = [];
  const length = rememberingLast((text: string | undefined) => (asked.push(text), text?.length));
  assert.deepEqual([undefined, undefined, "a", "a", "bb", "a"].map(length), [undefined, undefined, 1, 1, 2, 1]);
  assert.deepEqual(asked, [undefined, "a", "bb", "a"]);
});
