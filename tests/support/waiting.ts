/**
 * Waiting in tests: for a condition, with a time limit, or until a count stands still.
 *
 * @module
 */
import { abortable, pause, startDeadline } from "../../base/deadline.ts";

/** Returns the result of a promise; fails when it takes longer than the time given. */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  using deadline = startDeadline({ milliseconds, reason: () => new Error(`${what}: not over in ${milliseconds} ms`) });
  return await abortable(promise, deadline.signal);
}

/** Polls until a condition is true. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await pause(1);
}

/** Waits until a count stops growing. */
export async function standsStill(count: () => number): Promise<void> {
  for (let last = -1, times = 0; times < 5; times = count() === last ? times + 1 : 0) {
    last = count();
    await pause(2);
  }
}
