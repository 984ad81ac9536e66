import assert from "node:assert/strict";
import { abortable, NO_LIMIT, pause, startDeadline } from "../../base/deadline.ts";
import { countedController } from "../support/counted_signal.ts";

const OVER = new Error("time is over");
const reason = () => OVER;

/** Replaces the timer functions; counts the timers that are set. */
function countTimers(): Disposable & { readonly timers: Map<number, () => void> } {
  const timers = new Map<number, () => void>();
  const { setTimeout, clearTimeout } = globalThis;
  let last = 0;
  Object.assign(globalThis, {
    setTimeout(call: () => void): number {
      timers.set(++last, call);
      return last;
    },
    clearTimeout: (timer: number) => void timers.delete(timer),
  });
  return { timers, [Symbol.dispose]: () => void Object.assign(globalThis, { setTimeout, clearTimeout }) };
}

Deno.test("startDeadline(): has one timer at most, and none after its end", () => {
  using counted = countTimers();
  const { timers } = counted;
  const ends: Readonly<Record<string, (deadline: ReturnType<typeof startDeadline>, stop: AbortController) => void>> = {
    "abort()": (deadline) => deadline.abort(new Error("enough")),
    "its signal": (_, stop) => stop.abort(),
    "dispose": (deadline) => deadline[Symbol.dispose](),
  };
  for (const [name, end] of Object.entries(ends)) {
    const stop = countedController();
    const deadline = startDeadline({ milliseconds: 1_000, reason, signal: stop.signal });
    deadline.restart();
    deadline.limit(2_000, reason);
    assert.equal(timers.size, 1, name);
    deadline.limit(Infinity, reason);
    assert.equal(timers.size, 0, name);
    deadline.limit(1_000, reason);
    end(deadline, stop);
    assert.equal(timers.size, 0, name);
    deadline.restart();
    assert.equal(timers.size, 0, name);
    deadline[Symbol.dispose]();
    assert.equal(stop.listeners(), 0, name);
  }
  startDeadline({ milliseconds: 1_000, reason, signal: AbortSignal.abort() });
  startDeadline({ milliseconds: 2 ** 31, reason });
  assert.equal(timers.size, 0, "aborted already, and longer than timers count");
  using _none = startDeadline({ milliseconds: 0, reason });
  assert.equal(timers.size, 1, "0 is at once, and no limit is Infinity");
});

Deno.test("startDeadline(): aborts with the reason of the last limit", () => {
  using counted = countTimers();
  using deadline = startDeadline({ milliseconds: 1_000, reason: () => new Error("the first limit") });
  deadline.limit(2_000, reason);
  for (const call of counted.timers.values()) call();
  assert.equal(deadline.signal.reason, OVER);
});

Deno.test("startDeadline(): a signal that is asked for after the end is aborted with the same reason", () => {
  using deadline = startDeadline({ milliseconds: Infinity, reason: NO_LIMIT });
  deadline.throwIfAborted();
  assert.equal(deadline.aborted, false);
  const reason = new Error("over");
  for (const given of [reason, new Error("later")]) deadline.abort(given);
  assert.equal(deadline.aborted, true);
  assert.throws(() => deadline.throwIfAborted(), reason);
  assert.equal(deadline.signal.reason, reason);
  using without = startDeadline({ milliseconds: Infinity, signal: deadline, reason: NO_LIMIT });
  assert.equal(without.signal.reason, reason);
});

Deno.test("abortable(), pause(): leave no listener and end with the signal", async () => {
  const stop = countedController();
  assert.equal(await abortable(Promise.resolve(1), stop.signal), 1);
  await assert.rejects(abortable(Promise.reject(OVER), stop.signal), OVER);
  for (let i = 0; i < 5; i++) await null;
  assert.equal(stop.listeners(), 0);
  const never = new Promise<never>(() => {});
  const [waiting, pausing] = [abortable(never, stop.signal), pause(2 ** 30, stop.signal)];
  stop.abort(OVER);
  await assert.rejects(waiting, (error) => error === OVER);
  await pausing;
  await assert.rejects(abortable(never, stop.signal), (error) => error === OVER);
  await pause(2 ** 30, stop.signal);
});

Deno.test("startDeadline(): aborts in time, or with the parent signal, and leaves no timer", async () => {
  const reason = new Error("time is up");
  using short = startDeadline({ milliseconds: 1, reason: () => reason });
  await assert.rejects(abortable(new Promise(() => {}), short.signal), (error) => error === reason);
  const given = new AbortController();
  using long = startDeadline({ milliseconds: 60_000, signal: given.signal, reason: () => reason });
  given.abort("stop");
  assert.equal(long.signal.reason, "stop");
  using late = startDeadline({ milliseconds: 60_000, signal: given.signal, reason: () => reason });
  assert.ok(late.signal.aborted);
  late.restart();
  // Nobody would stop a timer that is started behind the end.
  const over = startDeadline({ milliseconds: 60_000, reason: () => reason });
  over[Symbol.dispose]();
  over.restart();
  over.limit(60_000, () => reason);
  assert.equal(await abortable(Promise.resolve(1), undefined), 1);
});
