import assert from "node:assert/strict";
import { type DurationSyntax, parseDuration } from "../../base/duration.ts";

Deno.test("parseDuration(): reads the syntax that the caller accepts, and no other", () => {
  const cases: [string, DurationSyntax, number | undefined][] = [
    ["90s", {}, 90_000],
    ["8h", {}, 28_800_000],
    ["1d", {}, 86_400_000],
    ["5", {}, undefined],
    ["5", { bare: "s" }, 5_000],
    ["5", { bare: "ms" }, 5],
    ["5ms", {}, undefined],
    ["5ms", { units: ["ms"] }, 5],
    ["5s", { units: ["ms"] }, undefined],
    ["never", {}, undefined],
    ["never", { never: true }, Infinity],
    ["1d 12h", {}, undefined],
    ["-5s", {}, undefined],
    ["100000000000s", {}, undefined],
  ];
  for (const [text, syntax, milliseconds] of cases) assert.equal(parseDuration(text, syntax), milliseconds, text);
});
