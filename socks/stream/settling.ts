/**
 * What others were asked to make, and may make too late: a connection, a listener, a socket. And calls that end late, or never.
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";

/** Longest wait for calls of what is closed, in milliseconds: they end at once where it is as it has to be. */
const SETTLING = 100;

/** Waits until calls of what has been closed are over, so that it is let go, and not for ever. */
export async function untilSettled(calls: readonly Promise<unknown>[]): Promise<void> {
  using deadline = startDeadline({ milliseconds: SETTLING, reason: () => new Error("Calls do not end with close()") });
  await abortable(Promise.allSettled(calls), deadline.signal).catch(() => {});
}

/** Turns in which whoever listens to a signal, or to an end, has done what there is to do in memory. */
const TURNS = 50;

/** Lets others go first who have been told. */
export async function yieldMicrotasks(): Promise<void> {
  for (let turns = 0; turns < TURNS; turns++) await Promise.resolve();
}
