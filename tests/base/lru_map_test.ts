/** Maps with a limit. */
import assert from "node:assert/strict";
import { LruMap } from "../../base/lru_map.ts";

/** The keys that are there after some were set, with room for two. */
function kept(...keys: readonly string[]): string[] {
  const map = new LruMap<number>(2);
  keys.forEach((key, i) => map.set(key, i));
  return [...new Set(keys)].filter((key) => map.get(key) !== undefined);
}

Deno.test("LruMap: forgets what was set longest ago, once it is full", () => {
  assert.deepEqual(kept("a", "b", "c"), ["b", "c"]);
  assert.deepEqual(kept("a", "b", "a", "c"), ["a", "c"]);
  assert.deepEqual(kept("a", "a", "b", "b", "a", "a", "c"), ["a", "c"]);
});

Deno.test("LruMap: what is set again has the new value, deleted before or not", () => {
  const map = new LruMap<number>(2);
  map.set("a", 1);
  map.set("a", 2);
  assert.equal(map.get("a"), 2);
  map.delete("a");
  assert.equal(map.get("a"), undefined);
  map.set("a", 3);
  map.set("b", 4);
  assert.deepEqual([map.get("a"), map.get("b")], [3, 4]);
});
