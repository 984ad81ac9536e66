/**
 * Deadlines: the one place of the tree that starts a timer.
 *
 * @module
 */

/** A timeout that can be stopped, restarted and changed. */
export interface Deadline extends Disposable {
  /** Aborted when the time is up, or when the parent signal is aborted, with its reason. */
  readonly signal: AbortSignal;
  /** Restarts the time. */
  restart(): void;
  /** Starts another time, with another reason; `Infinity` for none. If `reason` returns `undefined`, the time restarts. */
  limit(milliseconds: number, reason: () => Error | undefined): void;
  /** Aborts the signal now. */
  abort(reason: unknown): void;
}

/** Options of {@linkcode startDeadline}. */
export interface DeadlineOptions {
  /** Time in milliseconds; `Infinity` for none. */
  readonly milliseconds: number;
  /** Called when the time is up; returns the reason to abort with, or `undefined` to restart the time. */
  readonly reason: () => Error | undefined;
  /** Parent signal: aborts the deadline early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Checks a time that a caller gave as an option.
 *
 * @param name Name of the option.
 * @param milliseconds Its value.
 * @returns The value: a number, 0 or more, or `Infinity` for no limit.
 * @throws {TypeError} When the value is anything else.
 */
export function duration(name: string, milliseconds: number): number {
  // Callers in JavaScript, and values from JSON, are not held to the type.
  if (typeof milliseconds === "number" && milliseconds >= 0) return milliseconds;
  const found = typeof milliseconds === "number" ? milliseconds : `a value of type ${typeof milliseconds}`;
  throw new TypeError(`Cannot use ${name}: ${found} is no time in milliseconds (0 or more, or Infinity)`);
}

/** Starts a deadline. Dispose it to clear its timer; it starts no other one then. */
export function startDeadline(options: DeadlineOptions): Deadline {
  return new TimerDeadline(options);
}

/** Timers count in 31 bits, which is more than 24 days. A longer time is no limit. */
const LONGEST = 2 ** 31 - 1;

class TimerDeadline implements Deadline {
  readonly #controller = new AbortController();
  readonly #listening: Disposable;
  #milliseconds: number;
  #reason: () => Error | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  constructor({ milliseconds, reason, signal }: DeadlineOptions) {
    this.#milliseconds = milliseconds;
    this.#reason = reason;
    this.#listening = onAbort(signal, (cause) => this.abort(cause));
    this.restart();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#milliseconds > LONGEST || this.signal.aborted || this.#disposed) return;
    this.#timer = setTimeout(() => this.#up(), this.#milliseconds);
  }

  /** An exception of the caller's function aborts the deadline: no caller of a timer could catch it. */
  #up(): void {
    try {
      const reason = this.#reason();
      if (reason === undefined) this.restart();
      else this.abort(reason);
    } catch (error) {
      this.abort(error);
    }
  }

  limit(milliseconds: number, reason: () => Error | undefined): void {
    this.#milliseconds = milliseconds;
    this.#reason = reason;
    this.restart();
  }

  abort(reason: unknown): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#listening[Symbol.dispose]();
  }
}

/**
 * Calls `stop` with the signal's reason, once, when the signal is aborted; at once if it is aborted already. Dispose the result
 * to stop listening.
 */
export function onAbort(signal: AbortSignal | undefined, stop: (reason: unknown) => void): Disposable {
  const listener = () => stop(signal!.reason);
  if (signal?.aborted) listener();
  else signal?.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", listener) };
}

/**
 * Settles as the promise does, or rejects with the signal's reason as soon as the signal is aborted. What the promise waits for
 * goes on: close it.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const listening = onAbort(signal, reject);
    promise.then(resolve, reject).finally(() => listening[Symbol.dispose]());
  });
}

/** Resolves after a time, or as soon as the signal is aborted. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  using deadline = startDeadline({ milliseconds, signal, reason: () => new Error("pause is over") });
  await aborted(deadline.signal);
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => void onAbort(signal, () => resolve()));
}
