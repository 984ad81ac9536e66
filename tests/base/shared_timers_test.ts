import assert from "node:assert/strict";
import { startTimer, type Timed } from "../../base/shared_timers.ts";

/** A system whose clock stands still, and whose timers are started by hand. */
class StoppedClock implements Disposable {
  now = 1_000;
  /** Timers that run, in the order in which they were set, with the time at which each is up. */
  readonly timers = new Map<number, { readonly at: number; readonly call: () => void }>();
  /** Timers that were ever set. */
  set = 0;
  readonly #real = { setTimeout, clearTimeout, now: performance.now };

  constructor() {
    performance.now = () => this.now;
    Object.assign(globalThis, {
      setTimeout: (call: () => void, milliseconds: number): number => {
        this.timers.set(++this.set, { at: this.now + milliseconds, call });
        return this.set;
      },
      clearTimeout: (timer: number) => void this.timers.delete(timer),
    });
  }

  /** Sets the clock, and has those called whose time is up; `early` is how much too early the system does that. */
  pass(milliseconds: number, early = 0): void {
    this.now += milliseconds;
    for (const [timer, { at, call }] of [...this.timers]) {
      if (at > this.now + early || !this.timers.delete(timer)) continue;
      call();
    }
  }

  [Symbol.dispose](): void {
    const { now, ...timers } = this.#real;
    performance.now = now;
    Object.assign(globalThis, timers);
  }
}

/** Starts a timer that notes its name; `then` is what it does beside. */
function noting(noted: string[], name: string, milliseconds: number, then: () => void = () => {}) {
  const timed: Timed = { timeUp: () => (noted.push(name), then()) };
  let running = startTimer(timed, milliseconds);
  const stop = () => running.stop(timed);
  return { stop, restart: () => (stop(), running = startTimer(timed, milliseconds)) };
}

Deno.test("startTimer(): timers of one length share one, and are up each in its time and in order", () => {
  using clock = new StoppedClock();
  const noted: string[] = [];
  for (const name of ["a", "b", "c", "d"]) {
    noting(noted, name, 100);
    clock.pass(10);
  }
  assert.equal(clock.timers.size, 1);
  clock.pass(59);
  assert.deepEqual(noted, []);
  clock.pass(1);
  assert.deepEqual(noted, ["a"]);
  clock.pass(9);
  assert.deepEqual(noted, ["a"]);
  // Who is late finds all whose time has been up, in order.
  clock.pass(11);
  assert.deepEqual(noted, ["a", "b", "c"]);
  clock.pass(10);
  assert.deepEqual(noted, ["a", "b", "c", "d"]);
  assert.deepEqual([clock.timers.size, clock.set], [0, 3], "nobody is left, and nothing was set for nobody");
});

Deno.test("startTimer(): a shorter one that is started later is up first", () => {
  using clock = new StoppedClock();
  const noted: string[] = [];
  noting(noted, "long", 1_000);
  noting(noted, "short", 10);
  noting(noted, "at once", 0);
  assert.equal(clock.timers.size, 3);
  clock.pass(0);
  clock.pass(10);
  assert.deepEqual(noted, ["at once", "short"]);
  clock.pass(990);
  assert.deepEqual(noted, ["at once", "short", "long"]);
});

Deno.test("startTimer(): what is stopped is not called, and the last one takes the system's timer along", () => {
  using clock = new StoppedClock();
  const noted: string[] = [];
  const [first, second] = [noting(noted, "first", 100), noting(noted, "second", 100)];
  first.stop();
  first.stop();
  assert.equal(clock.timers.size, 1, "another one waits");
  second.stop();
  assert.equal(clock.timers.size, 0);
  // Of a length that was forgotten, a new one starts; what was stopped before stops nothing of it.
  noting(noted, "third", 100);
  first.stop();
  assert.equal(clock.timers.size, 1);
  clock.pass(100);
  assert.deepEqual([noted, clock.timers.size], [["third"], 0]);
});

Deno.test("startTimer(): one whose time is up may stop, start and restart others", () => {
  using clock = new StoppedClock();
  const noted: string[] = [];
  noting(noted, "stops the next", 100, () => {
    stopped.stop();
    restarted.restart();
    noting(noted, "new", 100);
  });
  const stopped = noting(noted, "stopped", 100);
  const restarted = noting(noted, "restarted", 100);
  clock.pass(150);
  assert.deepEqual(noted, ["stops the next"]);
  assert.equal(clock.timers.size, 1);
  clock.pass(100);
  assert.equal(noted.length, 3);
  assert.deepEqual([noted.toSorted(), clock.timers.size], [["new", "restarted", "stops the next"], 0]);
});

Deno.test("startTimer(): one that is started when another is up does not delay those that wait", () => {
  using clock = new StoppedClock();
  const up: string[] = [];
  const once: Timed = { timeUp: () => void up.push("once") };
  const again: Timed = {
    timeUp(): void {
      up.push("again");
      if (up.length === 1) startTimer(again, 200);
    },
  };
  startTimer(again, 200);
  clock.pass(50);
  startTimer(once, 200);
  clock.pass(150);
  assert.deepEqual(up, ["again"]);
  clock.pass(50);
  assert.deepEqual(up, ["again", "once"]);
  clock.pass(150);
  assert.deepEqual(up, ["again", "once", "again"]);
});

Deno.test("startTimer(): those that are due together are all called, but for one that another has stopped", () => {
  using clock = new StoppedClock();
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
  clock.pass(100);
  assert.deepEqual(up, ["first", "last"]);
});

Deno.test("startTimer(): a timer that the system ends too early is up nevertheless", () => {
  using clock = new StoppedClock();
  const noted: string[] = [];
  noting(noted, "early", 100);
  clock.pass(99.5, 0.5);
  assert.deepEqual([noted, clock.set], [["early"], 1]);
});

Deno.test("startTimer(): a length that nobody waits for leaves nothing behind", () => {
  using _clock = new StoppedClock();
  const LENGTH = 123_457;
  // What is left is seen by nobody but the map that the lengths are looked up in.
  let lengths: Map<unknown, unknown> | undefined;
  const { get } = Map.prototype;
  Map.prototype.get = function (this: Map<unknown, unknown>, key: unknown): unknown {
    if (key === LENGTH) lengths = this;
    return get.call(this, key);
  };
  try {
    const { stop } = noting([], "only", LENGTH);
    assert.equal(lengths!.has(LENGTH), true);
    stop();
    assert.equal(lengths!.has(LENGTH), false);
  } finally {
    Map.prototype.get = get;
  }
});
