/**
 * Token bucket: a rate per second with a burst of one second.
 *
 * @module
 */

/** A token bucket. */
export class Rate {
  #perSecond: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /**
   * Creates a full bucket.
   *
   * @param perSecond Tokens per second.
   * @param now Returns the time in milliseconds.
   */
  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#left = perSecond;
    this.#at = now();
  }

  /** Changes the rate; tokens that were taken stay taken. */
  change(perSecond: number): void {
    this.#refill();
    this.#perSecond = perSecond;
  }

  /** Takes `count` tokens, into debt if necessary; returns the milliseconds until the debt is repaid. */
  take(count: number): number {
    this.#refill();
    this.#left -= count;
    return this.#left >= 0 ? 0 : -this.#left / this.#perSecond * 1_000;
  }

  /** Takes `count` tokens unless the bucket is in debt; returns whether it did. */
  tryTake(count: number): boolean {
    this.#refill();
    if (this.#left < 0) return false;
    this.#left -= count;
    return true;
  }

  #refill(): void {
    const now = this.#now();
    // A clock that was set back must not remove tokens.
    const elapsed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#left = Math.min(this.#perSecond, this.#left + elapsed / 1_000 * this.#perSecond);
  }
}
