/**
 * Sessions still in the handshake, and which of them is closed when there are too many.
 *
 * @module
 */

/** Sessions still in the handshake, by source, the oldest first. */
export class HalfOpen<T> {
  readonly #bySource = new Map<string, Set<T>>();
  #size = 0;

  /** Number of sessions. */
  get size(): number {
    return this.#size;
  }

  /** Adds a session. */
  add(source: string, session: T): void {
    const own = this.#bySource.get(source);
    if (own === undefined) this.#bySource.set(source, new Set([session]));
    else own.add(session);
    this.#size++;
  }

  /** Removes a session whose request has come, or that has ended. May be called again. */
  delete(source: string, session: T): void {
    const own = this.#bySource.get(source);
    if (own === undefined || !own.delete(session)) return;
    this.#size--;
    if (own.size === 0) this.#bySource.delete(source);
  }

  /**
   * Returns the session to close: the oldest of the source that has the most. A source that opens many connections and sends nothing
   * loses its own, never those of others.
   */
  first(): T | undefined {
    let most: Set<T> | undefined;
    // Of several sources with the same number, the one that came first.
    for (const own of this.#bySource.values()) if (own.size > (most?.size ?? 0)) most = own;
    return most?.values().next().value;
  }
}
