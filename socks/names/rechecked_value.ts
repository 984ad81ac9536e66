/**
 * A value that is checked for changes at most once a second.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";

/** Milliseconds between two checks. */
const INTERVAL = 1_000;

/** A value that is checked for changes when it is used, at most once a second. */
export class RecheckedValue<T> {
  readonly #check: (before: T | undefined) => T | undefined;
  readonly #now: () => number;
  #value: T | undefined;
  #checked = -Infinity;

  /**
   * @param check Returns the new value. If it throws, the value stays.
   * @param now Returns the time in milliseconds.
   */
  constructor(check: (before: T | undefined) => T | undefined, now: () => number = monotonicNow) {
    this.#check = check;
    this.#now = now;
  }

  /** The value; `undefined` if there is none. */
  get value(): T | undefined {
    const now = this.#now();
    if (now - this.#checked < INTERVAL) return this.#value;
    this.#checked = now;
    try {
      this.#value = this.#check(this.#value);
    } catch {
      // A file that is being replaced, or may no longer be read, keeps its value.
    }
    return this.#value;
  }
}
