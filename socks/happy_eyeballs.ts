/**
 * One connection out of several addresses, in the manner of RFC 8305: the next address is tried when the one before fails, or
 * takes its time, and the first connection that stands is taken.
 *
 * @module
 */
import { aborted, startDeadline } from "../gss/deadline.ts";
import type { OpenedTarget } from "./commands/connect.ts";
import { takeInTime } from "./stream/late.ts";

/** Connection Attempt Delay (RFC 8305 section 5), in milliseconds. */
const DELAY = 250;

/** One attempt; ended by the signal, which is not aborted any more once the connection is the caller's. */
export type Attempt = (signal: AbortSignal) => Promise<OpenedTarget>;

/**
 * Makes the attempts, in their order. The signal ends it at once, whether or not the attempts listen to it: a connection that comes
 * too late is closed.
 *
 * @throws {Error} What the last attempt to fail failed with, when all have; or the signal's reason.
 */
export async function firstToConnect(attempts: readonly Attempt[], signal: AbortSignal): Promise<OpenedTarget> {
  signal.throwIfAborted();
  const [only] = attempts;
  if (attempts.length === 1) return await takeInTime(() => only!(signal), signal, closeTarget);
  const race = new Race();
  const stop = () => race.end(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (const attempt of attempts) {
      await soonOver(race.start(attempt), race);
      if (race.over.signal.aborted) break;
    }
    race.allStarted();
    return await race.won;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function closeTarget({ connection }: OpenedTarget): void {
  connection.close();
}

/** Attempts under way, of which one is taken. Each has a signal of its own: that of the one that is taken is left alone. */
class Race {
  readonly #won = Promise.withResolvers<OpenedTarget>();
  readonly #running: { readonly made: Promise<void>; readonly controller: AbortController }[] = [];
  /** Aborted when one is taken, or it has been ended. */
  readonly over = new AbortController();

  constructor() {
    // It may fail before anybody asks.
    this.#won.promise.catch(() => {});
  }

  get won(): Promise<OpenedTarget> {
    return this.#won.promise;
  }

  /** Resolved when it stands; fails as the attempt does. */
  start(attempt: Attempt): Promise<void> {
    const controller = new AbortController();
    const opening = new Promise<OpenedTarget>((resolve) => resolve(attempt(controller.signal)));
    const made = opening.then((opened) => {
      // Two may stand at the same time: one is enough.
      if (this.over.signal.aborted) return closeTarget(opened);
      this.#won.resolve(opened);
      this.#finish(new Error("Another address was quicker"), controller);
    });
    this.#running.push({ made, controller });
    return made;
  }

  /** Says that no attempt will be added. */
  allStarted(): void {
    void Promise.allSettled(this.#running.map(({ made }) => made)).then((ends) => {
      const last = ends.findLast((end) => end.status === "rejected");
      this.#won.reject(last?.reason);
    });
  }

  /** Gives all of them up. */
  end(reason: unknown): void {
    this.#won.reject(reason);
    this.#finish(reason);
  }

  #finish(reason: unknown, taken?: AbortController): void {
    this.over.abort(reason);
    for (const { controller } of this.#running) if (controller !== taken) controller.abort(reason);
  }
}

/** Resolved when the attempt has ended, when another has won, or after the delay. */
async function soonOver(made: Promise<void>, { over }: Race): Promise<void> {
  using delay = startDeadline({ milliseconds: DELAY, signal: over.signal, reason: () => new Error("delay is over") });
  await Promise.race([made.then(() => {}, () => {}), aborted(delay.signal)]);
}
