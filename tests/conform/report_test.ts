/** What comes of checks, and how it is shown. */
import assert from "node:assert/strict";
import { type Check, type CheckResult, expect, Failed, Skipped } from "../../conform/check.ts";
import { shown } from "../../conform/hex.ts";
import { jsonOf, reportOf, resultText, summaryText, tapOf } from "../../conform/report.ts";
import { runChecks } from "../../conform/run.ts";

const RULE = { clause: "RFC 1928 section 3", title: "does it" } as const;

function result(outcome: CheckResult["outcome"], severity: CheckResult["severity"] = "must"): CheckResult {
  return { ...RULE, id: `${severity}.${outcome}`, severity, outcome };
}

function check(id: string, run: () => Promise<string | void>): Check<unknown> {
  return { ...RULE, id, severity: "must", run };
}

const CHECKS = [
  check("passes", () => Promise.resolve("saw it")),
  check("fails", () => Promise.reject(new Failed("this", "that"))),
  check("skips", () => Promise.reject(new Skipped("it has none"))),
  check("breaks", () => Promise.reject(new Error("the network is down"))),
];

Deno.test("conformance run: what a check throws is its outcome, and its session ends", async () => {
  let open = 0;
  const seen: string[] = [];
  const results = await runChecks(CHECKS, {
    onResult: ({ id }) => seen.push(`${id} ${open}`),
    open: () => {
      open++;
      return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(void open--) });
    },
  });
  assert.deepEqual(results.map(({ outcome, expected, got, detail }) => [outcome, expected, got, detail]), [
    ["pass", undefined, undefined, "saw it"],
    ["fail", "this", "that", undefined],
    ["skip", undefined, undefined, "it has none"],
    ["error", undefined, undefined, "the network is down"],
  ]);
  assert.deepEqual(seen, ["passes 0", "fails 0", "skips 0", "breaks 0"]);
});

Deno.test("conformance run: ends before the next check when it is aborted", async () => {
  const stop = new AbortController();
  const session = { [Symbol.asyncDispose]: () => Promise.resolve() };
  const options = {
    open: () => Promise.resolve(session),
    onResult: () => stop.abort(new Error("stopped")),
    signal: stop.signal,
  };
  await assert.rejects(runChecks(CHECKS, options), /stopped/);
});

Deno.test("conformance report: only a broken rule that must hold fails it", () => {
  const verdict = (...results: readonly CheckResult[]) => reportOf("peer", results).verdict;
  assert.equal(verdict(result("pass"), result("skip")), "ok");
  assert.equal(verdict(result("pass"), result("fail", "should"), result("error", "should")), "ok");
  assert.equal(verdict(result("pass"), result("fail")), "failed");
  assert.equal(verdict(result("fail"), result("error")), "failed");
  assert.equal(verdict(result("pass"), result("error")), "not run");
  assert.equal(verdict(result("skip")), "not run");
  assert.equal(verdict(result("pass", "should")), "not run");
  assert.equal(verdict(), "not run");
});

Deno.test("conformance report: text, with bytes and counts", () => {
  const failed = { ...result("fail"), expected: "05 ff", got: "05 00" };
  assert.equal(
    resultText(failed),
    `FAIL  must    must.fail${" ".repeat(20)}does it (RFC 1928 section 3)\n${" ".repeat(14)}expected: 05 ff\n${
      " ".repeat(14)
    }got:      05 00\n`,
  );
  assert.match(resultText({ ...result("error", "note"), detail: "why" }), /^ERROR note {4}note\.error .*\n {14}why\n$/);
  const report = reportOf("proxy p", [failed, failed, result("pass"), result("skip"), result("error", "note")]);
  assert.equal(
    summaryText(report),
    "proxy p: 1 passed, 2 failed, 1 skipped, 1 with an error: 2 of the rules that must hold are broken\n",
  );
  assert.deepEqual(JSON.parse(jsonOf(report)).counts, { pass: 1, fail: 2, skip: 1, error: 1 });
});

Deno.test("conformance report: TAP fails for what must hold alone, and escapes", () => {
  const results = [
    { ...result("fail"), expected: 'a "b"', got: "c" },
    result("fail", "should"),
    result("error", "note"),
    { ...result("skip"), detail: "no #1" },
    { ...result("pass"), title: "a # and a \\" },
  ];
  const points = tapOf(reportOf("p", results)).split("\n").filter((line) => /^(?:not )?ok|expected/.test(line.trim()));
  assert.deepEqual(points, [
    "not ok 1 - must.fail: does it",
    '  expected: "a \\"b\\""',
    "not ok 2 - should.fail: does it # TODO should",
    "not ok 3 - note.error: does it # TODO note",
    "ok 4 - must.skip: does it # SKIP no \\#1",
    "ok 5 - must.pass: a \\# and a \\\\",
  ]);
});

Deno.test("conformance report: bytes are shown up to a length", () => {
  assert.equal(shown(new Uint8Array(0)), "no byte");
  assert.equal(shown(Uint8Array.of(5, 255)), "05 ff");
  assert.match(shown(new Uint8Array(49)), /^(?:00 ){47}00 \.\.\. \(49 bytes\)$/);
});

Deno.test("conformance check: an expectation that does not hold says both sides", () => {
  assert.doesNotThrow(() => expect(true, "this", "that"));
  assert.throws(() => expect(false, "this", "that"), (error) => {
    assert.ok(error instanceof Failed);
    assert.deepEqual([error.expected, error.got], ["this", "that"]);
    return true;
  });
});
