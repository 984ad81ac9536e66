/**
 * One connection out of several addresses, in the manner of RFC 8305: the next address is tried when the one before fails, or
 * takes its time, and the first connection that stands is taken.
 *
 * @module
 */
import { aborted, startDeadline } from "../gss/deadline.ts";
import type { OpenedTarget } from "./commands/connect.ts";

/** Connection Attempt Delay (RFC 8305 section 5), in milliseconds. */
const DELAY = 250;

/** One attempt; ended by the signal. */
export type Attempt = (signal: AbortSignal) => Promise<OpenedTarget>;

/**
 * Makes the attempts, in their order.
 *
 * @throws {Error} What the last attempt to fail failed with, when all have; or the signal's reason.
 */
export async function firstToConnect(attempts: readonly Attempt[], signal: AbortSignal): Promise<OpenedTarget> {
  signal.throwIfAborted();
  if (attempts.length === 1) return await attempts[0]!(signal);
  const others = new AbortController();
  const stop = () => others.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const won = Promise.withResolvers<OpenedTarget>();
  let taken = false;
  const running: Promise<unknown>[] = [];
  const start = (attempt: Attempt): Promise<unknown> =>
    attempt(others.signal).then((opened) => {
      // Two may stand at the same time: one is enough.
      if (taken) opened.connection.close();
      taken = true;
      won.resolve(opened);
    });
  try {
    for (const attempt of attempts) {
      const made = start(attempt);
      running.push(made);
      await soonOver(made, won.promise, others.signal);
      if (taken || others.signal.aborted) break;
    }
    const all = Promise.allSettled(running).then((ends) => {
      const last = ends.findLast((end) => end.status === "rejected");
      if (!taken) won.reject(last?.reason);
    });
    const opened = await won.promise;
    void all;
    return opened;
  } finally {
    signal.removeEventListener("abort", stop);
    others.abort(new Error("Another address was quicker"));
  }
}

/** Resolved when the attempt has ended, when another has won, or after the delay. */
async function soonOver(made: Promise<unknown>, won: Promise<unknown>, signal: AbortSignal): Promise<void> {
  using delay = startDeadline({ milliseconds: DELAY, signal, reason: () => new Error("delay is over") });
  const over = made.then(() => {}, () => {});
  await Promise.race([over, won.then(() => {}, () => {}), aborted(delay.signal)]);
}
