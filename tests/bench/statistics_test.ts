/** What benchmarks make of their figures. */
import assert from "node:assert/strict";
import { byTurns, ratios } from "./contest.ts";
import { judge, judgeChange, median, spread } from "./statistics.ts";

Deno.test("statistics: the median is the middle, or lies between the two", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
});

Deno.test("statistics: the spread leaves out as many ends as nine in ten allow", () => {
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => n - i);
  assert.deepEqual(spread([7]), { median: 7, low: 7, high: 7 });
  assert.deepEqual(spread(upTo(3)), { median: 2, low: 1, high: 3 });
  assert.deepEqual(spread(upTo(5)), { median: 3, low: 1, high: 5 });
  assert.deepEqual(spread(upTo(7)), { median: 4, low: 1, high: 7 });
  assert.deepEqual(spread(upTo(8)), { median: 4.5, low: 2, high: 7 });
  assert.deepEqual(spread(upTo(11)), { median: 6, low: 3, high: 9 });
  assert.deepEqual(spread(upTo(20)), { median: 10.5, low: 6, high: 15 });
});

Deno.test("statistics: a goal within the spread is neither met nor missed", () => {
  const figure = { median: 2, low: 1.5, high: 2.5 };
  assert.equal(judge(figure, { least: 1.5 }), "met");
  assert.equal(judge(figure, { least: 1.6 }), "noise");
  assert.equal(judge(figure, { least: 2.5 }), "noise");
  assert.equal(judge(figure, { least: 2.6 }), "not met");
  assert.equal(judge(figure, { most: 2.5 }), "met");
  assert.equal(judge(figure, { most: 2 }), "noise");
  assert.equal(judge(figure, { most: 1.4 }), "not met");
});

Deno.test("statistics: a change counts beyond noise and beyond what two processes differ by", () => {
  assert.equal(judgeChange({ median: 1.1, low: 1.01, high: 1.2 }), "better");
  assert.equal(judgeChange({ median: 0.9, low: 0.8, high: 0.99 }), "worse");
  assert.equal(judgeChange({ median: 1.1, low: 0.99, high: 1.3 }), "within noise");
  assert.equal(judgeChange({ median: 0.98, low: 0.97, high: 0.99 }), "within noise");
  assert.equal(judgeChange({ median: 1.02, low: 1.01, high: 1.04 }), "within noise");
});

Deno.test("contest: ratios are those of each turn, and above 1 where ours is better", () => {
  assert.deepEqual(ratios([2, 6], [1, 2], "MB/s"), [2, 3]);
  assert.deepEqual(ratios([2, 6], [1, 2], "handshakes per s"), [2, 3]);
  assert.deepEqual(ratios([2, 6], [1, 3], "ms"), [0.5, 0.5]);
});

Deno.test("contest: all run in turn, the first turn warms up, and missing ones are left out", async () => {
  const order: string[] = [];
  const run = (name: string) => () => Promise.resolve([order.push(name), -order.length]);
  const seen = await byTurns({ ours: run("ours"), absent: undefined, peer: run("peer") }, { turns: 2 });
  assert.deepEqual(order, ["ours", "peer", "ours", "peer", "ours", "peer"]);
  assert.deepEqual([...seen], [["ours", [[3, 5], [-3, -5]]], ["peer", [[4, 6], [-4, -6]]]]);
});
