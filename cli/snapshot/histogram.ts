/**
 * How long things took, counted in buckets, in plain values that a thread can send to another.
 *
 * @module
 */

/** Counted times. */
export interface Histogram {
  /** How many took at most as long as each bound, and longer than the one before; the last is for all others. */
  readonly counts: readonly number[];
  /** Seconds, added up. */
  readonly sum: number;
}

/** Upper bounds for the steps of a session, in seconds: up to the longest time that a step has by default. */
export const STEP_BOUNDS: readonly number[] = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
];

/** Upper bounds for lengths of sessions, in seconds: up to a day. */
export const SESSION_BOUNDS: readonly number[] = [0.01, 0.1, 1, 10, 60, 300, 1_800, 3_600, 14_400, 86_400];

/** Counts times. */
export class TimeCounter {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** Creates a counter that has seen nothing. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  /** Takes note of a time in milliseconds. */
  take(milliseconds: number): void {
    const seconds = milliseconds / 1_000;
    const place = this.#bounds.findIndex((bound) => seconds <= bound);
    this.#counts[place < 0 ? this.#bounds.length : place]!++;
    this.#sum += seconds;
  }

  /** What was counted so far. */
  get histogram(): Histogram {
    return { counts: [...this.#counts], sum: this.#sum };
  }
}

/** Adds what several threads have counted in the same buckets. */
export function addHistograms(all: readonly [Histogram, ...Histogram[]]): Histogram {
  return {
    counts: all[0].counts.map((_, i) => all.reduce((total, { counts }) => total + counts[i]!, 0)),
    sum: all.reduce((total, { sum }) => total + sum, 0),
  };
}
