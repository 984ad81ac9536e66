/** What is nobody's session ends no session: what nobody handled, what an observer throws, and how it is told. */
import assert from "node:assert/strict";
import { Faults, guard } from "../../../cli/log/guard.ts";
import { uncaughtIn } from "../../support/unhandled.ts";

Deno.test("guard(): takes unhandled errors and rejections until it is stopped", () => {
  const scope = new EventTarget();
  const taken: unknown[] = [];
  const stop = guard(scope, (error) => taken.push(error));
  const [thrown, rejected] = [new Error("thrown"), new Error("rejected")];
  const error = new ErrorEvent("error", { error: thrown, cancelable: true });
  const promise = Promise.resolve();
  const rejection = new PromiseRejectionEvent("unhandledrejection", { promise, reason: rejected, cancelable: true });
  scope.dispatchEvent(error);
  scope.dispatchEvent(rejection);
  scope.dispatchEvent(new ErrorEvent("error", { message: "no object", cancelable: true }));
  assert.deepEqual(taken, [thrown, rejected, "no object"]);
  assert.ok(error.defaultPrevented && rejection.defaultPrevented);
  stop();
  const later = new ErrorEvent("error", { error: thrown, cancelable: true });
  scope.dispatchEvent(later);
  assert.ok(!later.defaultPrevented);
  assert.equal(taken.length, 3);
});

Deno.test("Faults: logs a fault on one line with its place", () => {
  const lines: string[] = [];
  const faults = new Faults((line) => lines.push(line));
  faults.take(new TypeError("two\nlines \x1b[2J"));
  faults.take("no error", "telemetry");
  assert.equal(lines.length, 2);
  for (const line of lines) assert.match(line, /^error: [^\n]*; this is a fault of gssocks, which goes on\n$/);
  assert.match(lines[0]!, /TypeError: two.*guard_test\.ts/);
  assert.ok(!lines[0]!.includes("\x1b"));
  assert.match(lines[1]!, /^error: telemetry: no error/);
  assert.equal(uncaughtIn(lines.join("")).length, 1);
});

Deno.test("Faults: count all, and log a few a minute", () => {
  const lines: string[] = [];
  let now = 0;
  const faults = new Faults((line) => lines.push(line), () => now);
  for (let i = 0; i < 1_000; i++) faults.take(new Error(`fault ${i}`));
  assert.deepEqual([faults.count, lines.length], [1_000, 5]);
  now = 59_999;
  faults.take(new Error("fault"));
  assert.equal(lines.length, 5);
  now = 60_000;
  faults.take(new Error("a minute later"));
  assert.equal(lines.length, 7);
  assert.equal(lines[5], "996 more faults were not logged one by one\n");
  assert.match(lines[6]!, /a minute later/);
});
