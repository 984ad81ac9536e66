/**
 * Rates: so many of something in a second, with a second's worth at once after a rest.
 *
 * @module
 */

/** A bucket that fills up with time and is taken from. */
export class Rate {
  #perSecond: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /**
   * Makes one.
   *
   * @param perSecond How many in a second.
   * @param now Gives the time in milliseconds.
   */
  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#left = perSecond;
    this.#at = now();
  }

  /** Goes on with another number in a second; what was taken stays taken. */
  change(perSecond: number): void {
    this.#refill();
    this.#perSecond = perSecond;
  }

  /** Takes some, more than there are if need be; gives the time in milliseconds until that is made good. */
  take(count: number): number {
    this.#refill();
    this.#left -= count;
    return this.#left >= 0 ? 0 : -this.#left / this.#perSecond * 1_000;
  }

  /** Takes some if nothing is owed; says whether it did. */
  tryTake(count: number): boolean {
    this.#refill();
    if (this.#left < 0) return false;
    this.#left -= count;
    return true;
  }

  #refill(): void {
    const now = this.#now();
    // A clock that was set back must not take anything away.
    const elapsed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#left = Math.min(this.#perSecond, this.#left + elapsed / 1_000 * this.#perSecond);
  }
}
