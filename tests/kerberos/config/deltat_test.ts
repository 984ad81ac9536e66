import assert from "node:assert/strict";
import { parseDeltat } from "../../../kerberos/config/deltat.ts";
import { vectors } from "../../support/vectors.ts";

Deno.test("parseDeltat(): agrees with MIT's samples", () => {
  for (const v of vectors<{ text: string; seconds: number | null }>("time_intervals")) {
    assert.equal(parseDeltat(v.text), v.seconds ?? undefined, v.text);
  }
});

Deno.test("parseDeltat(): reads every form of MIT, and no other", () => {
  const cases: [string, number | undefined][] = [
    ["36000", 36_000],
    ["0-00:05:00", 300],
    ["1-08:30:15", 117_015],
    ["-1-00:00:30", -86_370],
    ["1-8:30", undefined],
    ["1-100:00:00", undefined],
    ["8:30", 30_600],
    ["100:59:59", 363_599],
    ["8:30:", undefined],
    [" 10m", 600],
    ["7d 14h 2m 0s", 655_320],
    ["12d 23h 73m 15s", 1_123_995],
    ["1d-1h", 82_800],
    ["3m ", 180],
    ["3s ", undefined],
    ["10 h", undefined],
    ["1h 1d", undefined],
    ["1h 5", undefined],
    ["2147483647", 2_147_483_647],
    ["2147483648", undefined],
    ["-2147483647s", -2_147_483_647],
    ["24855d 4h", undefined],
    ["", undefined],
    [" ", undefined],
    ["d", undefined],
  ];
  for (const [text, seconds] of cases) assert.equal(parseDeltat(text), seconds, JSON.stringify(text));
});

Deno.test("parseDeltat(): units written out at the end are read as MIT does; other letters mean nothing", () => {
  for (const [text, seconds] of [["10hours", 36_000], ["7days", 604_800], ["1d 30min", 88_200], ["5sec", 5]] as const) {
    assert.equal(parseDeltat(text), seconds);
  }
  // MIT would take these for 10, 1 and 2 seconds, and for one day.
  for (const text of ["10H", "1.5h", "2weeks", "1day 2hours"]) assert.equal(parseDeltat(text), undefined, text);
});

Deno.test("parseDeltat(): takes time in proportion to the length of the text", () => {
  for (const text of ["1".repeat(1e6), " ".repeat(1e6), `1d${" ".repeat(1e6)}x`, "1h".repeat(5e5), "-".repeat(1e6)]) {
    const start = performance.now();
    parseDeltat(text);
    assert.ok(performance.now() - start < 1_000);
  }
});
