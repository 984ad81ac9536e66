/**
 * Counts unhandled rejections and errors in the tests of a file and in their workers, and ends a test that hangs. The test task loads it
 * before every file (`--preload`).
 *
 * What Deno 2.9.6 does by itself: a rejection or an error in a test, or between two tests, fails the file (after its last
 * test, nothing of a file runs). One in a worker is an event of the worker's owner, and has no effect once the owner prevents
 * the default. One in a program ends the program with code 1 and a line that begins with `error: Uncaught`, which a test may
 * overlook. Here and in `process.ts`, the last two fail the test too.
 *
 * If `GSSOCKS_UNHANDLED` names a file, it gets a line for each error (`unhandled ...`), and one for each watched file
 * (`watching`), so that "none" can be told from "not counted".
 *
 * @module
 */
import { note } from "./unhandled.ts";

note("watching");

/** Whether a test hangs: reported as an error, which it is not. */
let hangs = false;

function counted(event: Event, error: unknown): void {
  if (hangs) return;
  // After all other listeners. Only the fuzzers prevent the default, and report a finding (`tests/suite_test.ts`).
  queueMicrotask(() => {
    if (!event.defaultPrevented) note(`unhandled in a test: ${error}`);
  });
}

addEventListener("unhandledrejection", (event) => counted(event, event.reason));
addEventListener("error", (event) => counted(event, event.message));

/** A worker whose errors fail the test, even where a listener handles the event. */
class WatchedWorker extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    super(...args);
    this.addEventListener("error", ({ message }) => {
      note(`unhandled in a worker: ${message}`);
      reportError(new Error(`A worker had an unhandled error: ${message}`));
    });
  }
}

globalThis.Worker = WatchedWorker;

/** Longest time of a test, in milliseconds, far above that of the slowest one. What hangs ends its file, and with it the run. */
const DEADLINE = 600_000;

const { setTimeout, clearTimeout } = globalThis;
let deadline: ReturnType<typeof setTimeout> | undefined;

Deno.test.beforeEach(() => {
  deadline = setTimeout(() => {
    hangs = true;
    reportError(new Error(`A test took more than ${DEADLINE / 1_000} s`));
  }, DEADLINE);
});
Deno.test.afterEach(() => clearTimeout(deadline));
