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

/**
 * Has something made, and waits no longer than until the signal is aborted, whether or not the one who makes it listens to the
 * signal. What is made after that is given up, since nobody else knows of it.
 *
 * @throws {Error} The signal's reason. Nothing is begun where it has been aborted before.
 */
export async function makeUnlessAborted<T>(
  make: () => Promise<T>,
  signal: AbortSignal,
  giveUp: (late: T) => void,
): Promise<T> {
  signal.throwIfAborted();
  const making = make();
  const taken = Promise.withResolvers<T>();
  let late = false;
  const onAbort = () => {
    late = true;
    taken.reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  // The very call that makes it may have aborted it.
  if (signal.aborted) onAbort();
  making.then((made) => {
    signal.removeEventListener("abort", onAbort);
    // Decided in one step: it is taken, or given up.
    if (late) giveUp(made);
    else taken.resolve(made);
  }).catch((error) => {
    signal.removeEventListener("abort", onAbort);
    taken.reject(error);
  });
  return await taken.promise;
}
