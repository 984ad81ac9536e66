/** One connection out of several addresses. */
import assert from "node:assert/strict";
import type { OpenedTarget } from "../../../../socks/server/targets/target.ts";
import { type Attempt, firstToConnect } from "../../../../socks/server/targets/happy_eyeballs.ts";
import { pipe } from "../../../support/pipe.ts";

function target(): { opened: OpenedTarget; closed: () => boolean } {
  const [near] = pipe();
  let closed = false;
  const connection = Object.assign(Object.create(near), { close: () => void (closed = true) });
  return { opened: { connection, bound: { hostname: "192.0.2.1", port: 1 } }, closed: () => closed };
}
const never: Attempt = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
const fails = (text: string): Attempt => () => Promise.reject(new Error(text));
const forever = () => new AbortController().signal;

Deno.test("firstToConnect(): tries the next address at once when one fails", async () => {
  const { opened } = target();
  const order: number[] = [];
  const noted = (n: number, attempt: Attempt): Attempt => (signal) => {
    order.push(n);
    return attempt(signal);
  };
  const got = await firstToConnect(
    [noted(1, fails("a")), noted(2, fails("b")), noted(3, () => Promise.resolve(opened)), noted(4, never)],
    forever(),
  );
  assert.equal(got, opened);
  assert.deepEqual(order, [1, 2, 3]);
  await assert.rejects(firstToConnect([fails("a"), fails("b")], forever()), { message: "b" });
  await assert.rejects(firstToConnect([fails("only")], forever()), { message: "only" });
});

Deno.test("firstToConnect(): gives up an address that does not answer", async () => {
  const { opened, closed } = target();
  let given: AbortSignal | undefined;
  const silent: Attempt = (signal) => {
    given = signal;
    return never(signal);
  };
  assert.equal(await firstToConnect([silent, () => Promise.resolve(opened)], forever()), opened);
  assert.equal(given?.aborted, true);
  assert.equal(closed(), false);
});

Deno.test("firstToConnect(): closes the second of two connections", async () => {
  const [first, second] = [target(), target()];
  const late = Promise.withResolvers<OpenedTarget>();
  const got = await firstToConnect([() => late.promise, () => Promise.resolve(second.opened)], forever());
  assert.equal(got, second.opened);
  late.resolve(first.opened);
  await late.promise;
  await Promise.resolve();
  assert.deepEqual([first.closed(), second.closed()], [true, false]);
});

Deno.test("firstToConnect(): ends although attempts ignore the signal", async () => {
  for (const count of [1, 2, 3]) {
    const stop = new AbortController();
    const late = Promise.withResolvers<OpenedTarget>();
    const trying = firstToConnect(Array.from({ length: count }, () => () => late.promise), stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(trying, { message: "enough" });
    const { opened, closed } = target();
    late.resolve(opened);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    assert.ok(closed(), `${count}`);
  }
});

Deno.test("firstToConnect(): aborts the signals of the other attempts only", async () => {
  const { opened, closed } = target();
  const signals: AbortSignal[] = [];
  const noted = (attempt: Attempt): Attempt => (signal) => {
    signals.push(signal);
    return attempt(signal);
  };
  const stop = new AbortController();
  const others = Promise.withResolvers<OpenedTarget>();
  const attempts = [noted(() => others.promise), noted(() => Promise.resolve(opened))];
  assert.equal(await firstToConnect(attempts, stop.signal), opened);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, false]);
  stop.abort();
  assert.deepEqual([signals[1]!.aborted, closed()], [false, false]);
  // An attempt that fails at once fails like any other.
  const broken: Attempt = () => {
    throw new Error("at once");
  };
  assert.equal(await firstToConnect([broken, () => Promise.resolve(opened)], forever()), opened);
});

Deno.test("firstToConnect(): closes or returns a connection made while it is aborted", async () => {
  for (const count of [1, 2]) {
    const ends = new Set<string>();
    for (let turns = 0; turns < 30; turns++) {
      const { opened, closed } = target();
      const stop = new AbortController();
      const standing = Promise.withResolvers<OpenedTarget>();
      const attempts = Array.from({ length: count }, (_, i): Attempt => i === 0 ? () => standing.promise : never);
      let over = false;
      const trying = firstToConnect(attempts, stop.signal).then((got) => (over = true, got), (error) => error.message);
      standing.resolve(opened);
      for (let i = 0; i < turns; i++) await Promise.resolve();
      if (!over) stop.abort(new Error("enough"));
      const end = await trying;
      ends.add(end === opened ? "handed out" : String(end));
      assert.equal(closed(), end !== opened, `${count} ${turns}`);
    }
    assert.deepEqual([...ends].sort(), ["enough", "handed out"]);
  }
});

Deno.test("firstToConnect(): ends all attempts by its signal", async () => {
  const stop = new AbortController();
  const trying = firstToConnect([never, never, never], stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(trying, { message: "enough" });
  await assert.rejects(firstToConnect([never, never], AbortSignal.abort(new Error("before"))), { message: "before" });
});
