/**
 * One connection out of several addresses, in the manner of RFC 8305: the next address is tried when the one before fails, or
 * takes its time, and the first connection that stands is taken.
 *
 * @module
 */
import { aborted, startDeadline } from "../../../base/deadline.ts";
import type { OpenedTarget } from "../commands/connect.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksReplyError } from "../../errors.ts";
import { untilSettled } from "../../stream/settling.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";

/** How fast attempts follow one another, and how many there are at one time. Times are in milliseconds. */
export interface Pace {
  /** Connection Attempt Delay (RFC 8305 section 5). @default {250} */
  readonly delay?: number | undefined;
  /** Attempts under way at one time. @default {4} */
  readonly atOnce?: number | undefined;
  /**
   * How long an attempt may be silent while another address waits for its place: one lost SYN is sent again by then. The last
   * `atOnce` have as long as the caller has.
   *
   * @default {2000}
   */
  readonly patience?: number | undefined;
}

/** One attempt; ended by the signal, which is not aborted any more once the connection is the caller's. */
export type Attempt = (signal: AbortSignal) => Promise<OpenedTarget>;

/**
 * Makes the attempts, in their order, so many at one time: when that many are silent, the one that has been silent for longest
 * makes room for the next, so that dead addresses in front do not use up the time of a good one behind them. The signal ends it at
 * once, whether or not the attempts listen to it: a connection that comes too late is closed.
 *
 * @throws {Error} What the last attempt failed with, when all have, but for those to whose network no way leads where there are
 * others; or the signal's reason.
 */
export async function firstToConnect(
  attempts: readonly Attempt[],
  signal: AbortSignal,
  { delay = 250, atOnce = 4, patience = 2_000 }: Pace = {},
): Promise<OpenedTarget> {
  signal.throwIfAborted();
  const [only] = attempts;
  if (attempts.length === 1) return await makeUnlessAborted(() => only!(signal), signal, closeTarget);
  const race = new Race();
  const stop = () => race.end(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (const attempt of attempts) {
      while (race.pending.length >= atOnce) await race.room(patience);
      if (race.over.signal.aborted) break;
      await soonOver(race.start(attempt), race, delay);
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

/** An attempt that was begun. */
interface Begun {
  /** Resolved when it stands; fails as the attempt does, or when it is given up. */
  readonly made: Promise<void>;
  /** What the attempt itself comes to. */
  readonly trying: Promise<unknown>;
  readonly controller: AbortController;
  readonly since: number;
  ended: boolean;
}

/** Attempts under way, of which one is taken. Each has a signal of its own: that of the one that is taken is left alone. */
class Race {
  readonly #won = Promise.withResolvers<OpenedTarget>();
  readonly #begun: Begun[] = [];
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
    const { signal } = controller;
    let trying: Promise<unknown> = Promise.resolve();
    const made = makeUnlessAborted(
      () => {
        const attempted = attempt(signal);
        trying = attempted;
        return attempted;
      },
      signal,
      closeTarget,
    ).then((opened) => {
      // Two may stand at the same time: one is enough.
      if (this.over.signal.aborted) return closeTarget(opened);
      this.#won.resolve(opened);
      this.#finish(new Error("Another address was quicker"), controller);
    });
    const begun: Begun = { made, trying, controller, since: monotonicNow(), ended: false };
    made.catch(() => {}).then(() => begun.ended = true);
    this.#begun.push(begun);
    return made;
  }

  /** Those that are under way, the oldest first; none once it is over. */
  get pending(): readonly Begun[] {
    return this.over.signal.aborted ? [] : this.#begun.filter(({ ended }) => !ended);
  }

  /** Resolved when one of them has ended; the oldest is given up where it has been silent for so long. */
  async room(patience: number): Promise<void> {
    const pending = this.pending;
    const [oldest] = pending;
    using deadline = startDeadline({
      milliseconds: Math.max(0, oldest!.since + patience - monotonicNow()),
      signal: this.over.signal,
      reason: () =>
        new SocksReplyError("HOST_UNREACHABLE", `No answer within ${patience} ms, and other addresses waited`),
    });
    await Promise.race([...pending.map(({ made }) => made.catch(() => {})), aborted(deadline.signal)]);
    if (!deadline.signal.aborted || this.over.signal.aborted) return;
    oldest!.controller.abort(deadline.signal.reason);
    oldest!.ended = true;
    // Its socket is there until it is over.
    await untilSettled([oldest!.trying]);
  }

  /** Says that no attempt will be added. */
  allStarted(): void {
    void Promise.allSettled(this.#begun.map(({ made }) => made)).then((ends) => {
      const reasons = ends.flatMap((end) => end.status === "rejected" ? [end.reason] : []);
      this.#won.reject(reasons.findLast((reason) => !isNoWay(reason)) ?? reasons.at(-1));
    });
  }

  /** Gives all of them up. */
  end(reason: unknown): void {
    this.#won.reject(reason);
    this.#finish(reason);
  }

  #finish(reason: unknown, taken?: AbortController): void {
    this.over.abort(reason);
    for (const { controller } of this.#begun) if (controller !== taken) controller.abort(reason);
  }
}

/** Of a family that leads nowhere there is nothing to tell where the other one does. */
function isNoWay(reason: unknown): boolean {
  return reason instanceof SocksReplyError && reason.code === "NETWORK_UNREACHABLE";
}

/** Resolved when the attempt has ended, when another has won, or after the delay. */
async function soonOver(made: Promise<void>, { over }: Race, milliseconds: number): Promise<void> {
  using delay = startDeadline({ milliseconds, signal: over.signal, reason: () => new Error("delay is over") });
  await Promise.race([made.then(() => {}, () => {}), aborted(delay.signal)]);
}
