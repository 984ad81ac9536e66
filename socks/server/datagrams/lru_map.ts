/**
 * What was used not long ago.
 *
 * @module
 */

/** A map that forgets what was used longest ago. */
export class Recent<T> {
  readonly #limit: number;
  readonly #entries = new Map<string, T>();

  /**
   * Makes one.
   *
   * @param limit How many it remembers.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What is there, if anything; looking is no use of it. */
  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  /** Forgets it. */
  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Remembers it, as the one used last. */
  set(key: string, value: T): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!);
  }
}
