/**
 * Deadlines: the one place of the tree that starts a timer.
 *
 * @module
 */

/** A time-out that can be stopped, pushed back and changed. */
export interface Deadline extends Disposable {
  /** Aborted when the time is up, or when the signal given was, with its reason. */
  readonly signal: AbortSignal;
  /** Starts the time anew. */
  restart(): void;
  /** Starts another time, with another reason; `Infinity` for none. Where there is no reason when it is up, it starts anew. */
  limit(milliseconds: number, reason: () => Error | undefined): void;
  /** Ends it now. */
  abort(reason: unknown): void;
}

/** What {@linkcode startDeadline} takes. */
export interface DeadlineOptions {
  /** Time in milliseconds; `Infinity` for none. */
  readonly milliseconds: number;
  /** Makes the reason that the signal is aborted with; where it makes none, the time starts anew. */
  readonly reason: () => Error | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A time that a caller gave, for whoever takes one to ask before anything is begun.
 *
 * @param name Name of the option.
 * @param milliseconds What it was given.
 * @returns The same, which is a number, 0 or more; `Infinity` for no limit.
 * @throws {TypeError} When it is anything else.
 */
export function duration(name: string, milliseconds: number): number {
  // It may come out of JavaScript, or out of JSON: the type says nothing then.
  if (typeof milliseconds === "number" && milliseconds >= 0) return milliseconds;
  const found = typeof milliseconds === "number" ? milliseconds : `a value of type ${typeof milliseconds}`;
  throw new TypeError(`Cannot use ${name}: ${found} is no time in milliseconds (0 or more, or Infinity)`);
}

/** Starts a deadline. Dispose it, or its timer stays; after that it starts none. */
export function startDeadline(options: DeadlineOptions): Deadline {
  return new TimerDeadline(options);
}

/** Timers count in 31 bits, which is more than 24 days; a longer time is none. */
const LONGEST = 2 ** 31 - 1;

class TimerDeadline implements Deadline {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;
  #milliseconds: number;
  #reason: () => Error | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  constructor({ milliseconds, reason, signal }: DeadlineOptions) {
    this.#milliseconds = milliseconds;
    this.#reason = reason;
    if (signal?.aborted) this.abort(signal.reason);
    else if (signal !== undefined) {
      this.#parent = signal;
      this.#onAbort = () => this.abort(signal.reason);
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
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

  /** Nobody is behind a timer to take what is thrown here. */
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
    if (this.#onAbort !== undefined) this.#parent?.removeEventListener("abort", this.#onAbort);
  }
}

/** Calls `stop` with the signal's reason, once, when the signal is aborted; at once if it already is. Dispose the result to stop listening. */
export function onAbort(signal: AbortSignal | undefined, stop: (reason: unknown) => void): Disposable {
  const listener = () => stop(signal!.reason);
  if (signal?.aborted) listener();
  else signal?.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", listener) };
}

/** The promise, or the signal's reason as soon as it is aborted. The promise itself goes on; close what it waits on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const listening = onAbort(signal, reject);
    promise.then(resolve, reject).finally(() => listening[Symbol.dispose]());
  });
}

/** Resolved after a time, or as soon as the signal is aborted. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  using deadline = startDeadline({ milliseconds, signal, reason: () => new Error("pause is over") });
  await aborted(deadline.signal);
}

/** Resolved when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
