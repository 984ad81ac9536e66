/**
 * When a replay cache started, whatever happens to the wall clock meanwhile.
 *
 * @module
 */
import { monotonicNow, type Runtime, systemRuntime } from "../../../base/runtime.ts";

/** Options of a {@linkcode StartTime}. */
interface StartTimeOptions {
  /** The wall clock. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /** A monotonic clock, in milliseconds. @default {the system's; the clock of `runtime` if that is given} */
  readonly elapsed?: (() => number) | undefined;
}

/** A start time. Its age is measured by a monotonic clock, so that setting the wall clock does not change the age. */
export class StartTime {
  readonly #now: () => number;
  readonly #elapsed: () => number;
  readonly #from: number;

  /** Starts now, or `age` milliseconds ago. */
  constructor({ runtime, elapsed }: StartTimeOptions, age = 0) {
    const clock = runtime ?? systemRuntime;
    this.#now = () => clock.now();
    this.#elapsed = elapsed ?? (runtime === undefined ? monotonicNow : this.#now);
    this.#from = this.#elapsed() - age;
  }

  /** The start time by the wall clock as it is set now, in milliseconds since the epoch. */
  get wallTime(): number {
    return this.#now() - (this.#elapsed() - this.#from);
  }
}
