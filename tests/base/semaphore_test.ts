/** Places that are taken and given back. */
import assert from "node:assert/strict";
import { BufferPool } from "../../base/buffer_pool.ts";
import { Turns } from "../../base/semaphore.ts";
import { countedController } from "../support/counted_signal.ts";

Deno.test("Turns gives as many places as there are at once, and the next ones in order", async () => {
  const turns = new Turns(2);
  assert.deepEqual([turns.take(), turns.take()], [undefined, undefined]);
  const order: number[] = [];
  const waiting = [1, 2].map((n) => turns.take()!.then(() => order.push(n)));
  turns.giveBack();
  await waiting[0];
  assert.deepEqual(order, [1]);
  turns.giveBack();
  await waiting[1];
  assert.deepEqual(order, [1, 2]);
  turns.giveBack();
  turns.giveBack();
  assert.deepEqual([turns.take(), turns.take()], [undefined, undefined]);
  assert.ok(turns.take() instanceof Promise);
});

Deno.test("Turns come round: whoever wants many waits behind himself alone", async () => {
  const turns = new Turns(1);
  assert.equal(turns.take({ owner: "a" }), undefined);
  const order: string[] = [];
  const wants = ["a1", "a2", "a3", "b1", "c1", "b2"];
  const waiting = wants.map((name) => turns.take({ owner: name[0] })!.then(() => order.push(name)));
  assert.equal(turns.waiting, 6);
  let owner = "a";
  for (let left = wants.length; left > 0; left--) {
    turns.giveBack(owner);
    await Promise.race(waiting.filter((_, at) => !order.includes(wants[at]!)));
    owner = order.at(-1)![0]!;
  }
  assert.deepEqual(order, ["a1", "b1", "c1", "a2", "b2", "a3"]);
  assert.equal(turns.waiting, 0);
});

Deno.test("Turns give one owner no more than his share, and the rest to others", async () => {
  const turns = new Turns(3, { perOwner: 2 });
  assert.deepEqual([turns.take({ owner: "a" }), turns.take({ owner: "a" })], [undefined, undefined]);
  const third = turns.take({ owner: "a" })!;
  let called = false;
  void third.then(() => called = true);
  assert.equal(turns.take({ owner: "b" }), undefined);
  turns.giveBack("b");
  await Promise.resolve();
  assert.equal(called, false);
  assert.equal(turns.take({ owner: "b" }), undefined);
  turns.giveBack("a");
  await third;
});

Deno.test("Turns forget who does not wait any more, and nobody loses a place by it", async () => {
  const turns = new Turns(1);
  const gone = new AbortController();
  assert.equal(turns.take(), undefined);
  const first = turns.take({ signal: gone.signal })!;
  const second = turns.take({ owner: "b" })!;
  gone.abort(new Error("client is gone"));
  await assert.rejects(first, /client is gone/);
  assert.equal(turns.waiting, 1);
  turns.giveBack();
  await second;
  turns.giveBack("b");
  await assert.rejects(turns.take({ signal: gone.signal })!, /client is gone/);
  assert.equal(turns.take(), undefined);
});

Deno.test("Turns let go of the signal of whoever was called", async () => {
  const turns = new Turns(1);
  const counted = countedController();
  assert.equal(turns.take(), undefined);
  const waiting = turns.take({ signal: counted.signal })!;
  turns.giveBack();
  await waiting;
  assert.equal(counted.listeners(), 0);
});

Deno.test("BufferPool gives a buffer to one at a time, keeps so many and takes no others", () => {
  const pool = new BufferPool(8, 1);
  const [a, b] = [pool.take(), pool.take()];
  assert.notEqual(a.buffer, b.buffer);
  pool.giveBack(a);
  pool.giveBack(b);
  pool.giveBack(a.subarray(0, 4));
  pool.giveBack(new Uint8Array(9));
  assert.equal(pool.take(), a);
  assert.notEqual(pool.take(), b);
});
