/** Times in authenticators (RFC 4120 section 3.2.3). */
import assert from "node:assert/strict";
import { authenticatorTime } from "../../../kerberos/ap/authenticator_time.ts";
import { TestRuntime } from "../../support/test_runtime.ts";

Deno.test("authenticatorTime(): is never the same twice, however many in a millisecond", () => {
  const runtime = new TestRuntime();
  const times = Array.from({ length: 3200 }, () => authenticatorTime(runtime))
    .map(({ time, usec }) => time * 1000 + usec);
  assert.equal(new Set(times).size, times.length);
  // Beyond what there is room for in a millisecond, and close to the clock all the same.
  for (const time of times) assert.ok(time / 1000 - runtime.now() <= 5);
});

Deno.test("authenticatorTime(): follows a clock that is set back, and stays unique with an offset", () => {
  const runtime = new TestRuntime(1_000_000_000_999);
  const at = (offset = 0) => {
    const { time, usec } = authenticatorTime(runtime, offset);
    assert.ok(time % 1000 === 0 && Number.isInteger(usec) && usec >= 0 && usec < 1_000_000);
    return time * 1000 + usec;
  };
  const first = at();
  assert.ok(first >= 1_000_000_000_999_000 && first < 1_000_000_001_000_000);
  runtime.time -= 500;
  assert.equal(at(), first + 1, "a little back is not reused");
  runtime.time -= 3_600_000;
  const back = at();
  assert.ok(Math.abs(back / 1000 - runtime.time) <= 1, "an hour back is followed");
  const ahead = at(1234.567);
  assert.ok(ahead - back > 1_234_500 && ahead - back < 1_236_600);
  assert.equal(at(1234.567), ahead + 1);
  assert.equal(at(9e15), Date.UTC(9999, 11, 31, 23, 59, 59) * 1000, "later than any message can say");
  runtime.time = -1500;
  assert.ok(Math.abs(at() / 1000 + 1500) <= 1);
});
