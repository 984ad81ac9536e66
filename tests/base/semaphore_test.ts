import assert from "node:assert/strict";
import { Semaphore } from "../../base/semaphore.ts";
import { countedController } from "../support/counted_signal.ts";

Deno.test("Semaphore: serves waiters in order", async () => {
  const semaphore = new Semaphore(2);
  assert.deepEqual([semaphore.acquire(), semaphore.acquire()], [undefined, undefined]);
  const order: number[] = [];
  const waiting = [1, 2].map((n) => semaphore.acquire()!.then(() => order.push(n)));
  semaphore.release();
  await waiting[0];
  assert.deepEqual(order, [1]);
  semaphore.release();
  await waiting[1];
  assert.deepEqual(order, [1, 2]);
  semaphore.release();
  semaphore.release();
  assert.deepEqual([semaphore.acquire(), semaphore.acquire()], [undefined, undefined]);
  assert.ok(semaphore.acquire() instanceof Promise);
});

Deno.test("Semaphore: serves owners in turn", async () => {
  const semaphore = new Semaphore(1);
  assert.equal(semaphore.acquire({ owner: "a" }), undefined);
  const order: string[] = [];
  const wants = ["a1", "a2", "a3", "b1", "c1", "b2"];
  const waiting = wants.map((name) => semaphore.acquire({ owner: name[0] })!.then(() => order.push(name)));
  assert.equal(semaphore.waiting, 6);
  let owner = "a";
  for (let left = wants.length; left > 0; left--) {
    semaphore.release(owner);
    await Promise.race(waiting.filter((_, at) => !order.includes(wants[at]!)));
    owner = order.at(-1)![0]!;
  }
  assert.deepEqual(order, ["a1", "b1", "c1", "a2", "b2", "a3"]);
  assert.equal(semaphore.waiting, 0);
});

Deno.test("Semaphore: limits the places of one owner", async () => {
  const semaphore = new Semaphore(3, { perOwner: 2 });
  assert.deepEqual([semaphore.acquire({ owner: "a" }), semaphore.acquire({ owner: "a" })], [undefined, undefined]);
  const third = semaphore.acquire({ owner: "a" })!;
  let called = false;
  void third.then(() => called = true);
  assert.equal(semaphore.acquire({ owner: "b" }), undefined);
  semaphore.release("b");
  await Promise.resolve();
  assert.equal(called, false);
  assert.equal(semaphore.acquire({ owner: "b" }), undefined);
  semaphore.release("a");
  await third;
});

Deno.test("Semaphore: forgets an aborted waiter and loses no place", async () => {
  const semaphore = new Semaphore(1);
  const gone = new AbortController();
  assert.equal(semaphore.acquire(), undefined);
  const first = semaphore.acquire({ signal: gone.signal })!;
  const second = semaphore.acquire({ owner: "b" })!;
  gone.abort(new Error("client is gone"));
  await assert.rejects(first, /client is gone/);
  assert.equal(semaphore.waiting, 1);
  semaphore.release();
  await second;
  semaphore.release("b");
  await assert.rejects(semaphore.acquire({ signal: gone.signal })!, /client is gone/);
  assert.equal(semaphore.acquire(), undefined);
});

Deno.test("Semaphore: removes the listener of a waiter that is served", async () => {
  const semaphore = new Semaphore(1);
  const counted = countedController();
  assert.equal(semaphore.acquire(), undefined);
  const waiting = semaphore.acquire({ signal: counted.signal })!;
  semaphore.release();
  await waiting;
  assert.equal(counted.listeners(), 0);
});
