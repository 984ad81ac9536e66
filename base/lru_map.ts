/**
 * A map with a limit.
 *
 * @module
 */

/** A map that forgets the entry that was set longest ago, when it has more entries than its limit. */
export class LruMap<T> {
  readonly #limit: number;
  readonly #entries = new Map<string, T>();
  /** The key that was set last: it has its place already. Most datagrams go where the one before went. */
  #newest: string | undefined;

  /**
   * Creates an empty map.
   *
   * @param limit Most entries that it keeps.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns the value of a key. This does not count as a use. */
  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  /** The entries, the one that was set longest ago first. */
  [Symbol.iterator](): Iterator<[key: string, value: T]> {
    return this.#entries[Symbol.iterator]();
  }

  /** Removes a key. */
  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Sets the value of a key, which is the one used last from now on. */
  set(key: string, value: T): void {
    if (key !== this.#newest) this.#entries.delete(key);
    this.#newest = key;
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!);
  }
}
