/**
 * Counts what nobody handles, promises rejected and errors thrown, in the tests of a file and in their workers. The test task loads
 * it before every file (`--preload`).
 *
 * What Deno 2.9.6 does by itself: a rejection or an error in a test, or between two tests, fails the file (behind its last
 * test nothing of a file runs any more). One in a worker is an event for whoever made the worker, and forgotten once he
 * prevents the default. One in a program ends that program with code 1 and a line that begins with `error: Uncaught`, at
 * which a test need not look. The last two fail the test too here, and in `process.ts`.
 *
 * The file that `GSSOCKS_UNHANDLED` names, where it names one, gets a line for each (`unhandled ...`), and one for each file
 * watched (`watching`), so that nothing counted is not the same as nobody counting.
 *
 * @module
 */
import { note } from "./unhandled.ts";

note("watching");

function counted(event: Event, error: unknown): void {
  // Behind whoever else listens. Only the fuzzers prevent the default, and make findings of it (`tests/suite_test.ts`).
  queueMicrotask(() => {
    if (!event.defaultPrevented) note(`unhandled in a test: ${error}`);
  });
}

addEventListener("unhandledrejection", (event) => counted(event, event.reason));
addEventListener("error", (event) => counted(event, event.message));

/** A worker whose errors are those of the test, whoever handles the event. */
class WatchedWorker extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    super(...args);
    this.addEventListener("error", ({ message }) => {
      note(`unhandled in a worker: ${message}`);
      reportError(new Error(`A worker had an error that nobody handled: ${message}`));
    });
  }
}

globalThis.Worker = WatchedWorker;
