/**
 * So many at a time, and the others in the order in which they came, or each of those on whose behalf they come in turn.
 *
 * @module
 */

/** What {@linkcode Semaphore} is made of. */
export interface SemaphoreOptions {
  /** How many places one of those on whose behalf they are taken may have at one time. @default {all} */
  readonly perOwner?: number | undefined;
}

/** What {@linkcode Semaphore.acquire} may be told. */
export interface AcquireOptions {
  /** On whose behalf: whoever wants many places waits behind himself, and not in front of others. @default {""} */
  readonly owner?: string | undefined;
  /** Gives the wait up, with its reason. A place that has been taken is not given back by it. */
  readonly signal?: AbortSignal | undefined;
}

/** One who waits. */
interface Waiting {
  /** Told that the place is his. */
  readonly called: () => void;
}

/** A number of places that are taken and given back. */
export class Semaphore {
  readonly #perOwner: number;
  #free: number;
  /** Places taken, by whose they are. */
  readonly #taken = new Map<string, number>();
  /** Those who wait, by on whose behalf; the one who has waited longest for his turn is the first. */
  readonly #waiting = new Map<string, Set<Waiting>>();

  /**
   * Makes them.
   *
   * @param places How many may be taken at one time.
   */
  constructor(places: number, { perOwner = Infinity }: SemaphoreOptions = {}) {
    this.#free = places;
    this.#perOwner = perOwner;
  }

  /** How many wait. */
  get waiting(): number {
    let count = 0;
    for (const queue of this.#waiting.values()) count += queue.size;
    return count;
  }

  /**
   * Takes a place: at once, or when the promise is resolved. Give it back with the same owner.
   *
   * @throws {unknown} The signal's reason, as the rejection of the promise; no place is taken then.
   */
  acquire({ owner = "", signal }: AcquireOptions = {}): Promise<void> | undefined {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#mayHave(owner)) {
      this.#give(owner);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const one: Waiting = {
        called(): void {
          signal?.removeEventListener("abort", leave);
          resolve();
        },
      };
      const leave = () => {
        this.#forget(owner, one);
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      const queue = this.#waiting.get(owner);
      if (queue === undefined) this.#waiting.set(owner, new Set([one]));
      else queue.add(one);
    });
  }

  /** Gives a place back: to the first in the queue of whoever has waited longest for his turn. */
  release(owner = ""): void {
    this.#free++;
    const left = this.#taken.get(owner)! - 1;
    if (left === 0) this.#taken.delete(owner);
    else this.#taken.set(owner, left);
    // Who has as many as he may is passed over; there are no more of them than there are places.
    for (const [next, queue] of this.#waiting) {
      if (!this.#mayHave(next)) continue;
      const first = queue.values().next().value!;
      this.#forget(next, first);
      // The others on his behalf wait behind those on behalf of everybody else.
      if (this.#waiting.delete(next)) this.#waiting.set(next, queue);
      this.#give(next);
      return first.called();
    }
  }

  #mayHave(owner: string): boolean {
    return this.#free > 0 && (this.#taken.get(owner) ?? 0) < this.#perOwner;
  }

  #give(owner: string): void {
    this.#free--;
    this.#taken.set(owner, (this.#taken.get(owner) ?? 0) + 1);
  }

  #forget(owner: string, one: Waiting): void {
    const queue = this.#waiting.get(owner)!;
    queue.delete(one);
    if (queue.size === 0) this.#waiting.delete(owner);
  }
}
