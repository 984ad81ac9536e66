import assert from "node:assert/strict";
import { BufferPool } from "../../base/buffer_pool.ts";

Deno.test("BufferPool: gives each buffer to one user, and keeps a limited number", () => {
  const pool = new BufferPool(8, 1);
  const [a, b] = [pool.acquire(), pool.acquire()];
  assert.notEqual(a.buffer, b.buffer);
  pool.release(a);
  pool.release(b);
  pool.release(a.subarray(0, 4));
  pool.release(new Uint8Array(9));
  assert.equal(pool.acquire(), a);
  assert.notEqual(pool.acquire(), b);
});
