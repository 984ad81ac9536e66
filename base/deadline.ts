/**
 * Deadlines: what the tree measures time with. Their timers are those of `shared_timers.ts`.
 *
 * @module
 */
import { type RunningTimer, startTimer, type Timed } from "./shared_timers.ts";

/** A timeout that can be stopped, restarted and changed. */
export interface Deadline extends Disposable {
  /** Aborted when the time is up, or when the parent signal is aborted, with its reason. */
  readonly signal: AbortSignal;
  /** Whether the signal is aborted. Asking makes no signal, which takes half a kilobyte. */
  readonly aborted: boolean;
  /** Throws the reason if the signal is aborted; makes no signal either. */
  throwIfAborted(): void;
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
  /** Parent: aborts the deadline early. */
  readonly signal?: Ender | undefined;
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

/** Reason of a deadline without a time. One for all: a function of each session would keep what is around it. */
export const NO_LIMIT = (): Error => new Error("unreachable: there is no time limit");

/** Starts a deadline. Dispose it to clear its timer; it starts no other one then. */
export function startDeadline(options: DeadlineOptions): Deadline {
  return new TimerDeadline(options);
}

/** Timers count in 31 bits, which is more than 24 days. A longer time is no limit. */
const LONGEST = 2 ** 31 - 1;

class TimerDeadline implements Deadline, Timed {
  /** Created when it is asked for: most deadlines are over before anybody does. */
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;
  /** What {@linkcode onAbort} calls: a listener of a signal takes ten times the memory. */
  #stops: readonly ((reason: unknown) => void)[] = [];
  readonly #listening: Disposable | undefined;
  #milliseconds: number;
  #reason: () => Error | undefined;
  #timer: RunningTimer | undefined;
  #disposed = false;

  constructor({ milliseconds, reason, signal }: DeadlineOptions) {
    this.#milliseconds = milliseconds;
    this.#reason = reason;
    if (signal !== undefined) this.#listening = onAbort(signal, (cause) => this.abort(cause));
    this.restart();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted !== undefined;
  }

  throwIfAborted(): void {
    if (this.#aborted !== undefined) throw this.#aborted.reason;
  }

  restart(): void {
    this.#stopTimer();
    if (this.#milliseconds > LONGEST || this.aborted || this.#disposed) return;
    this.#timer = startTimer(this, this.#milliseconds);
  }

  #stopTimer(): void {
    this.#timer?.stop(this);
    this.#timer = undefined;
  }

  /** An exception of the caller's function aborts the deadline: no caller of a timer could catch it. */
  timeUp(): void {
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

  abort(given: unknown): void {
    this.#stopTimer();
    if (this.#aborted !== undefined) return;
    // As a signal does, which listeners may compare with.
    const reason = given === undefined ? AbortSignal.abort().reason : given;
    this.#aborted = { reason };
    this.#controller?.abort(reason);
    const stops = this.#stops;
    this.#stops = [];
    for (const stop of stops) stop(reason);
  }

  /** Calls `stop` when the deadline is aborted; see {@linkcode onAbort}. */
  listen(stop: (reason: unknown) => void): Disposable {
    if (this.#aborted !== undefined) stop(this.#aborted.reason);
    // A list that is appended to takes room for 16 more.
    else this.#stops = this.#stops.concat(stop);
    return new Listening(this, stop);
  }

  unlisten(stop: (reason: unknown) => void): void {
    const at = this.#stops.indexOf(stop);
    if (at >= 0) this.#stops = this.#stops.toSpliced(at, 1);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#stopTimer();
    this.#listening?.[Symbol.dispose]();
  }
}

/** Stops to listen to a deadline. */
class Listening implements Disposable {
  readonly #deadline: TimerDeadline;
  readonly #stop: (reason: unknown) => void;

  constructor(deadline: TimerDeadline, stop: (reason: unknown) => void) {
    this.#deadline = deadline;
    this.#stop = stop;
  }

  [Symbol.dispose](): void {
    this.#deadline.unlisten(this.#stop);
  }
}

/** What ends something early. To listen to a deadline takes a tenth of the memory of listening to its signal. */
export type Ender = AbortSignal | Deadline;

/**
 * Calls `stop` with the signal's reason, once, when the signal is aborted; at once if it is aborted already. Dispose the result
 * to stop listening.
 */
export function onAbort(ender: Ender | undefined, stop: (reason: unknown) => void): Disposable {
  if (ender instanceof TimerDeadline) return ender.listen(stop);
  const signal = ender !== undefined && "signal" in ender ? ender.signal : ender;
  const listener = () => stop(signal!.reason);
  if (signal?.aborted) listener();
  else signal?.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", listener) };
}

/**
 * Settles as the promise does, or rejects with the signal's reason as soon as the signal is aborted. What the promise waits for
 * goes on: close it.
 */
export function abortable<T>(promise: Promise<T>, ender: Ender | undefined): Promise<T> {
  if (ender === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const listening = onAbort(ender, reject);
    promise.then(resolve, reject).finally(() => listening[Symbol.dispose]());
  });
}

/** Resolves after a time, or as soon as the signal is aborted. */
export async function pause(milliseconds: number, signal?: Ender): Promise<void> {
  using deadline = startDeadline({ milliseconds, signal, reason: () => new Error("pause is over") });
  await aborted(deadline);
}

/** Resolves when the signal is aborted. */
export function aborted(ender: Ender): Promise<void> {
  return new Promise((resolve) => void onAbort(ender, () => resolve()));
}
