/**
 * Deadlines: the one place of the tree that starts a timer.
 *
 * @module
 */

/** A time-out that can be stopped or pushed back. */
export interface Deadline extends Disposable {
  /** Aborted when the time is up, or when the signal given was, with its reason. */
  readonly signal: AbortSignal;
  /** Starts the time anew. */
  restart(): void;
}

/** What {@linkcode startDeadline} takes. */
export interface DeadlineOptions {
  /** Time in milliseconds; `Infinity` for none. */
  readonly milliseconds: number;
  /** Makes the reason that the signal is aborted with. */
  readonly reason: () => Error;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** Starts a deadline. Dispose it, or its timer stays. */
export function startDeadline(options: DeadlineOptions): Deadline {
  const { milliseconds, reason, signal } = options;
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = () => {
    clearTimeout(timer);
    controller.abort(signal!.reason);
  };
  const restart = () => {
    clearTimeout(timer);
    if (controller.signal.aborted || !Number.isFinite(milliseconds)) return;
    timer = setTimeout(() => controller.abort(reason()), milliseconds);
  };
  if (signal?.aborted) controller.abort(signal.reason);
  else signal?.addEventListener("abort", onAbort, { once: true });
  restart();
  return {
    signal: controller.signal,
    restart,
    [Symbol.dispose](): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

/** The promise, or the signal's reason as soon as it is aborted. The promise itself goes on; close what it waits on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Resolved when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
