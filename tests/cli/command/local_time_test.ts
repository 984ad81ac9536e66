/** Times as MIT's programs print them. */
import assert from "node:assert/strict";
import { LOCAL_TIME_WIDTH, localTime } from "../../../cli/command/local_time.ts";

Deno.test("localTime(): month, day, year and time of this machine's zone", () => {
  for (
    const [time, text] of [
      [new Date(2026, 10, 26, 9, 5, 3), "11/26/2026 09:05:03"],
      [new Date(2038, 0, 20, 23, 59, 59), "01/20/2038 23:59:59"],
    ] as const
  ) {
    assert.equal(localTime(time.getTime() + 999), text);
    assert.equal(text.length, LOCAL_TIME_WIDTH);
  }
});
