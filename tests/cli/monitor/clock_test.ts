/** Durations and rates go by a clock that nobody sets; dates are dates. */
import assert from "node:assert/strict";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import { prometheusText } from "../../../cli/monitor/prometheus.ts";
import { mergeSnapshots } from "../../../cli/snapshot/snapshot.ts";

function clocks() {
  let wall = 1_700_000_000_000;
  let time = 5_000;
  const monitor = new Monitor({ now: () => wall, monotonic: () => time });
  const counts = { sent: 0, received: 0 };
  const session = { session: 1, client: undefined, phase: "connecting" as const, startedAt: wall, duration: 7, counts };
  const stop = AbortSignal.abort();
  void monitor.watch({ liveSessions: () => [session] }, stop);
  return {
    monitor,
    counts,
    pass(milliseconds: number): void {
      wall += milliseconds;
      time += milliseconds;
    },
    set: (by: number) => wall += by,
  };
}

Deno.test("Monitor: uptime ignores a clock that jumps", () => {
  const { monitor, pass, set } = clocks();
  pass(10_000);
  set(-3_600_000);
  assert.equal(monitor.snapshot().uptime, 10_000);
  assert.match(prometheusText(monitor.snapshot()), /^gssocks_uptime_seconds 10$/m);
  set(86_400_000);
  pass(1_000);
  assert.equal(monitor.snapshot().uptime, 11_000);
});

Deno.test("Monitor: the graph has each second once although the clock jumps", () => {
  const { monitor, counts, pass, set } = clocks();
  for (let second = 0; second < 20; second++) {
    pass(1_000);
    if (second === 5) set(240_000);
    if (second === 10) set(-400_000);
    counts.sent += 100;
    monitor.sample();
  }
  const { throughput, now } = monitor.snapshot();
  assert.deepEqual(throughput.map(({ sent }) => sent), Array.from({ length: 20 }, () => 100));
  const last = Math.floor(now / 1_000);
  assert.deepEqual(throughput.map(({ at }) => at), Array.from({ length: 20 }, (_, i) => last - 19 + i));
});

Deno.test("Monitor: a rate is per second, although a sample is late", () => {
  const { monitor, counts, pass, set } = clocks();
  pass(1_000);
  monitor.sample();
  counts.received += 5_000;
  pass(5_000);
  set(-1_000_000);
  monitor.sample();
  const [row] = monitor.snapshot().sessions;
  assert.deepEqual([row!.rate, row!.duration], [1_000, 7]);
});

Deno.test("Monitor: two samples in one second are one point", () => {
  const { monitor, counts, pass } = clocks();
  pass(1_000);
  for (let i = 0; i < 2; i++) {
    counts.sent += 10;
    monitor.sample();
    pass(400);
  }
  assert.deepEqual(monitor.snapshot().throughput.map(({ sent }) => sent), [20]);
});

Deno.test("Monitor: reports a failed sample and takes the next one", async () => {
  const monitor = new Monitor();
  const stop = new AbortController();
  const faults: unknown[] = [];
  let calls = 0;
  const done = Promise.withResolvers<void>();
  const watching = monitor.watch({
    liveSessions(): [] {
      // Each sample asks twice.
      if (++calls === 1) throw new Error("broken");
      done.resolve();
      return [];
    },
    onFault: (error) => faults.push(error),
  }, stop.signal);
  await done.promise;
  stop.abort();
  await watching;
  assert.equal(faults.length, 1);
});

Deno.test("mergeSnapshots(): adds the troubles of threads", () => {
  const make = (count: number, recent: boolean, degraded: boolean) => {
    const monitor = new Monitor();
    void monitor.watch({
      liveSessions: () => [],
      health: () => ({ degraded, troubles: { accept: { count, recent } } }),
      faults: () => count,
    }, AbortSignal.abort());
    return monitor.snapshot();
  };
  const merged = mergeSnapshots([make(1, false, false), make(2, true, true)]);
  assert.deepEqual([merged.degraded, merged.faults], [true, 3]);
  assert.deepEqual(merged.troubles, { accept: { count: 3, recent: true } });
  const text = prometheusText(merged);
  assert.match(text, /^gssocks_troubles_total\{kind="accept"\} 3$/m);
  assert.match(text, /^gssocks_degraded 1$/m);
});
