/**
 * Bounded waits for calls of objects that were closed, or whose signal was aborted.
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";

/** Longest wait for calls of a closed object, in milliseconds. They settle at once unless the object is not as it should be. */
const SETTLING = 100;

/** Waits until the calls of a closed object have settled, so that it is released; gives up after a short time. */
export async function untilSettled(calls: readonly Promise<unknown>[]): Promise<void> {
  using deadline = startDeadline({
    milliseconds: SETTLING,
    reason: () => new Error("Calls do not settle after close()"),
  });
  await abortable(Promise.allSettled(calls), deadline.signal).catch(() => {});
}

/** Turns of the microtask queue that any listener of a signal needs for work in memory. */
const TURNS = 50;

/** Lets pending microtasks run: listeners of a signal finish their work. */
export async function yieldMicrotasks(): Promise<void> {
  for (let turns = 0; turns < TURNS; turns++) await Promise.resolve();
}
