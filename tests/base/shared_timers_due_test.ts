import assert from "node:assert/strict";
import { startTimer, type Timed } from "../../base/shared_timers.ts";

/** Replaces the timer functions and the clock; `pass()` lets time pass. */
function stopTime(): Disposable & { readonly pass: (milliseconds: number) => void } {
  const { setTimeout, clearTimeout } = globalThis;
  const { now } = performance;
  const timers = new Map<number, { readonly call: () => void; readonly at: number }>();
  let time = 1_000;
  let last = 0;
  Object.assign(performance, { now: () => time });
  Object.assign(globalThis, {
    setTimeout(call: () => void, milliseconds: number): number {
      timers.set(++last, { call, at: time + milliseconds });
      return last;
    },
    clearTimeout: (timer: number) => void timers.delete(timer),
  });
  return {
    pass(milliseconds): void {
      for (const end = time + milliseconds; time < end;) {
        time++;
        for (const [timer, { call, at }] of [...timers]) if (at <= time && timers.delete(timer)) call();
      }
    },
    [Symbol.dispose](): void {
      Object.assign(globalThis, { setTimeout, clearTimeout });
      Object.assign(performance, { now });
    },
  };
}

Deno.test("startTimer(): one that is started when another is up does not delay those that wait", () => {
  using time = stopTime();
  const up: string[] = [];
  const once: Timed = { timeUp: () => void up.push("once") };
  const again: Timed = {
    timeUp(): void {
      up.push("again");
      if (up.length === 1) startTimer(again, 200);
    },
  };
  startTimer(again, 200);
  time.pass(50);
  startTimer(once, 200);
  time.pass(150);
  assert.deepEqual(up, ["again"]);
  time.pass(50);
  assert.deepEqual(up, ["again", "once"]);
  time.pass(150);
  assert.deepEqual(up, ["again", "once", "again"]);
});

Deno.test("startTimer(): those that are due together are all called, but for one that another has stopped", () => {
  using time = stopTime();
  const up: string[] = [];
  const stopped: Timed = { timeUp: () => void up.push("stopped") };
  const first: Timed = {
    timeUp(): void {
      up.push("first");
      running.stop(stopped);
    },
  };
  startTimer(first, 100);
  const running = startTimer(stopped, 100);
  startTimer({ timeUp: () => void up.push("last") }, 100);
  time.pass(100);
  assert.deepEqual(up, ["first", "last"]);
});
