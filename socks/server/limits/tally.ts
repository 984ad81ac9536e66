/**
 * Counts by name, with a limit.
 *
 * @module
 */

/** Counts by name; a name whose count is zero is forgotten. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Counts one more for a name, unless its count has reached the limit. Returns whether it was counted. */
  enter(name: string, limit: number): boolean {
    const count = this.#counts.get(name) ?? 0;
    if (count >= limit) return false;
    this.#counts.set(name, count + 1);
    return true;
  }

  /** Counts one less for a name. */
  leave(name: string): void {
    const count = this.#counts.get(name) ?? 0;
    if (count <= 1) this.#counts.delete(name);
    else this.#counts.set(name, count - 1);
  }

  /** Number of names with a count above zero. */
  get size(): number {
    return this.#counts.size;
  }
}
