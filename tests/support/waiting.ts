/**
 * Waiting in tests: for a condition, with a time limit, or until a count stands still.
 *
 * @module
 */
import { abortable, pause, startDeadline } from "../../base/deadline.ts";

/** The promise, or a failure after a time that nothing here takes. */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  using deadline = startDeadline({ milliseconds, reason: () => new Error(`${what}: not over in ${milliseconds} ms`) });
  return await abortable(promise, deadline.signal);
}

/** Asks until it is so. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await pause(1);
}

/** Resolved when a count has not grown for a while. */
export async function standsStill(count: () => number): Promise<void> {
  for (let last = -1, times = 0; times < 5; times = count() === last ? times + 1 : 0) {
    last = count();
    await pause(2);
  }
}
