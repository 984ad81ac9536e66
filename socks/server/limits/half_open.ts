/**
 * Clients that have not said yet what they want: which of them makes room.
 *
 * @module
 */

/** Sessions that have said nothing yet, by where they are from, the oldest first. */
export class HalfOpen<T> {
  readonly #bySource = new Map<string, Set<T>>();
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Takes note of one that has come. */
  add(source: string, session: T): void {
    const own = this.#bySource.get(source);
    if (own === undefined) this.#bySource.set(source, new Set([session]));
    else own.add(session);
    this.#size++;
  }

  /** Forgets one that has said what it wants, or has gone. May be called again. */
  delete(source: string, session: T): void {
    const own = this.#bySource.get(source);
    if (own === undefined || !own.delete(session)) return;
    this.#size--;
    if (own.size === 0) this.#bySource.delete(source);
  }

  /**
   * The one that makes room: the oldest of the source that has the most. Whoever opens many connections and says nothing
   * loses his own, and nobody else's.
   */
  first(): T | undefined {
    let most: Set<T> | undefined;
    // Where several have as many, the one that has been there longest.
    for (const own of this.#bySource.values()) if (own.size > (most?.size ?? 0)) most = own;
    return most?.values().next().value;
  }
}
