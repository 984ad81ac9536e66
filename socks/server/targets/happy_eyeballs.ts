/**
 * Happy Eyeballs (RFC 8305): one connection to one of several addresses. The next address is tried when the one before fails or is slow;
 * the first connection that is made is used.
 *
 * @module
 */
import { aborted, onAbort, startDeadline } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksReplyError } from "../../errors.ts";
import { makeUnlessAborted } from "../../stream/make_unless_aborted.ts";
import { untilSettled } from "../../stream/settling.ts";
import type { OpenedTarget } from "./target.ts";

/** Options of {@linkcode firstToConnect}. Times are in milliseconds. */
export interface Pace {
  /** Connection Attempt Delay (RFC 8305 section 5). @default {250} */
  readonly delay?: number | undefined;
  /** Attempts under way at one time. @default {4} */
  readonly atOnce?: number | undefined;
  /**
   * Time for an attempt while another address waits for its place: one lost SYN is sent again by then. The last `atOnce` attempts have
   * no limit of their own.
   *
   * @default {2000}
   */
  readonly patience?: number | undefined;
}

/** Makes one attempt. The signal ends it, and is not aborted any more once its connection is used. */
export type Attempt = (signal: AbortSignal) => Promise<OpenedTarget>;

/**
 * Makes the attempts in their order, `atOnce` at one time. When that many are under way, the oldest is given up for the next, so that
 * dead addresses in front do not use up the time of a good one behind them. The signal ends it at once, even if an attempt ignores the
 * signal; a connection that comes too late is closed.
 *
 * @throws {Error} The failure of the last attempt when all have failed, or the signal's reason. A failure that says that a network has no
 * route counts only if all failures say so.
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
  using _end = onAbort(signal, (reason) => race.end(reason));
  for (const attempt of attempts) {
    while (race.pending.length >= atOnce) await race.room(patience);
    if (race.over.signal.aborted) break;
    await soonOver(race.start(attempt), race, delay);
  }
  race.allStarted();
  return await race.won;
}

function closeTarget({ connection }: OpenedTarget): void {
  connection.close();
}

/** An attempt that has begun. */
interface BegunAttempt {
  /** Resolved when the connection is made; rejected when the attempt fails or is given up. */
  readonly made: Promise<void>;
  /** The promise of the attempt itself. */
  readonly trying: Promise<unknown>;
  readonly controller: AbortController;
  readonly since: number;
  ended: boolean;
}

/** Attempts of which one is used. Each has a signal of its own; the signal of the one that is used is not aborted. */
class Race {
  readonly #won = Promise.withResolvers<OpenedTarget>();
  readonly #begun: BegunAttempt[] = [];
  /** Aborted when one attempt is used, or the race was ended. */
  readonly over = new AbortController();

  constructor() {
    // It may be rejected before it is awaited.
    this.#won.promise.catch(() => {});
  }

  get won(): Promise<OpenedTarget> {
    return this.#won.promise;
  }

  /** Starts an attempt. The promise is resolved when its connection is made, and rejected when the attempt fails. */
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
      // Two connections may be made at the same time: one is enough.
      if (this.over.signal.aborted) return closeTarget(opened);
      this.#won.resolve(opened);
      this.#finish(new Error("Another address was quicker"), controller);
    });
    const begun: BegunAttempt = { made, trying, controller, since: monotonicNow(), ended: false };
    made.catch(() => {}).then(() => begun.ended = true);
    this.#begun.push(begun);
    return made;
  }

  /** The attempts under way, the oldest first; none once the race is over. */
  get pending(): readonly BegunAttempt[] {
    return this.over.signal.aborted ? [] : this.#begun.filter(({ ended }) => !ended);
  }

  /** Waits until one attempt has ended; the oldest is given up when it has had `patience` milliseconds. */
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
    // The attempt has a socket until it has ended.
    await untilSettled([oldest!.trying]);
  }

  /** Called when all attempts have started. */
  allStarted(): void {
    void Promise.allSettled(this.#begun.map(({ made }) => made)).then((ends) => {
      const reasons = ends.flatMap((end) => end.status === "rejected" ? [end.reason] : []);
      this.#won.reject(reasons.findLast((reason) => !isNoRoute(reason)) ?? reasons.at(-1));
    });
  }

  /** Gives all attempts up. */
  end(reason: unknown): void {
    this.#won.reject(reason);
    this.#finish(reason);
  }

  #finish(reason: unknown, used?: AbortController): void {
    this.over.abort(reason);
    for (const { controller } of this.#begun) if (controller !== used) controller.abort(reason);
  }
}

/** Whether an attempt failed because there is no route for its family. */
function isNoRoute(reason: unknown): boolean {
  return reason instanceof SocksReplyError && reason.code === "NETWORK_UNREACHABLE";
}

/** Waits until the attempt has ended, another one is used, or the delay is over. */
async function soonOver(made: Promise<void>, { over }: Race, milliseconds: number): Promise<void> {
  using delay = startDeadline({ milliseconds, signal: over.signal, reason: () => new Error("delay is over") });
  await Promise.race([made.then(() => {}, () => {}), aborted(delay.signal)]);
}
