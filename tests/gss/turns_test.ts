/** Places that are taken and given back. */
import assert from "node:assert/strict";
import { BufferPool } from "../../gss/buffer_pool.ts";
import { Turns } from "../../gss/turns.ts";

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
