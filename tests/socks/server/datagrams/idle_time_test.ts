/** The idle time of an association, by a clock that is set. */
import assert from "node:assert/strict";
import type { Deadline } from "../../../../base/deadline.ts";
import { IdleTime } from "../../../../socks/server/datagrams/idle_time.ts";

Deno.test("IdleTime: counts from the last datagram, with one timer", () => {
  let time = 1_000;
  const timers: { milliseconds: number; up: () => Error | undefined }[] = [];
  const clock = {
    limit: (milliseconds, up) => void timers.push({ milliseconds, up }),
  } satisfies Partial<Deadline> as unknown as Deadline;
  const idle = new IdleTime(clock, 300, () => time);
  idle.start();
  assert.deepEqual(timers.map(({ milliseconds }) => milliseconds), [300]);
  for (time = 1_001; time <= 1_250; time++) idle.passed();
  assert.equal(timers.length, 1);
  time = 1_300;
  assert.equal(timers[0]!.up(), undefined);
  assert.equal(timers[1]!.milliseconds, 250);
  time = 1_549;
  assert.equal(timers[1]!.up(), undefined);
  time = 1_550;
  const error = timers[2]!.up();
  assert.match(String(error), /No datagram was sent or received for 300 ms/);
  assert.equal((error as { code?: unknown }).code, "IDLE_TIMEOUT");
});
