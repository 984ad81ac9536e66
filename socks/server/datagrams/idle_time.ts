/**
 * The idle time of an association.
 *
 * @module
 */
import type { Deadline } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksTimeoutError } from "../../errors.ts";

/**
 * Ends an association in which no datagram passes for a time. The timer looks when the last one has passed: starting a timer again for
 * each takes 2 us, a tenth of relaying it.
 */
export class IdleTime {
  readonly #clock: Deadline;
  readonly #limit: number;
  readonly #now: () => number;
  #last = 0;

  /**
   * Creates it; {@linkcode start} starts it.
   *
   * @param clock Ends the association.
   * @param limit The time, in milliseconds.
   * @param now Gives the time, in milliseconds.
   */
  constructor(clock: Deadline, limit: number, now: () => number = monotonicNow) {
    this.#clock = clock;
    this.#limit = limit;
    this.#now = now;
  }

  /** Begins to count. */
  start(): void {
    this.passed();
    this.#wait(this.#limit);
  }

  /** Called for each datagram. */
  passed(): void {
    this.#last = this.#now();
  }

  #wait(milliseconds: number): void {
    this.#clock.limit(milliseconds, () => this.#up());
  }

  #up(): Error | undefined {
    const left = this.#last + this.#limit - this.#now();
    if (left <= 0) {
      return new SocksTimeoutError("IDLE_TIMEOUT", `No datagram was sent or received for ${this.#limit} ms`);
    }
    this.#wait(left);
    return undefined;
  }
}
