/**
 * So many at a time, and the others in the order in which they came.
 *
 * @module
 */

/** A number of places that are taken and given back. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /**
   * Makes them.
   *
   * @param places How many may be taken at one time.
   */
  constructor(places: number) {
    this.#free = places;
  }

  /** Takes a place: at once, or when the promise is resolved. */
  take(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a place back, to whoever has waited longest. */
  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
