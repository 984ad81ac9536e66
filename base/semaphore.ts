/**
 * A fair semaphore: a limited number of places. Waiters are served first come, first served, or in turn by owner.
 *
 * @module
 */
import { onAbort } from "./deadline.ts";

/** Options of {@linkcode Semaphore}. */
export interface SemaphoreOptions {
  /** Maximum number of places that one owner has at a time. @default {Infinity} */
  readonly perOwner?: number | undefined;
}

/** Options of {@linkcode Semaphore.acquire}. */
export interface AcquireOptions {
  /** Owner of the place. An owner who wants many places waits behind its own waiters, not in front of others. @default {""} */
  readonly owner?: string | undefined;
  /** Ends the wait, with its reason. It does not release a place that is acquired already. */
  readonly signal?: AbortSignal | undefined;
}

/** A caller that waits for a place. */
interface Waiter {
  /** Gives the place to the caller. */
  readonly serve: () => void;
}

/** A number of places that are acquired and released. */
export class Semaphore {
  readonly #perOwner: number;
  #free: number;
  /** Number of acquired places by owner. */
  readonly #taken = new Map<string, number>();
  /** Waiters by owner; the owner whose turn is next is the first. */
  readonly #waiting = new Map<string, Set<Waiter>>();

  /**
   * Creates a semaphore.
   *
   * @param places Number of places.
   */
  constructor(places: number, { perOwner = Infinity }: SemaphoreOptions = {}) {
    this.#free = places;
    this.#perOwner = perOwner;
  }

  /** Number of waiters. */
  get waiting(): number {
    let count = 0;
    for (const queue of this.#waiting.values()) count += queue.size;
    return count;
  }

  /**
   * Acquires a place: at once, or when the promise resolves. Release it with the same owner.
   *
   * @throws {unknown} The signal's reason, as the rejection of the promise; no place is acquired then.
   */
  acquire({ owner = "", signal }: AcquireOptions = {}): Promise<void> | undefined {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#mayHave(owner)) {
      this.#take(owner);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        serve(): void {
          listening[Symbol.dispose]();
          resolve();
        },
      };
      const listening = onAbort(signal, (reason) => {
        this.#remove(owner, waiter);
        reject(reason);
      });
      const queue = this.#waiting.get(owner);
      if (queue === undefined) this.#waiting.set(owner, new Set([waiter]));
      else queue.add(waiter);
    });
  }

  /** Releases a place, and gives it to the first waiter of the owner whose turn is next. */
  release(owner = ""): void {
    this.#free++;
    const left = this.#taken.get(owner)! - 1;
    if (left === 0) this.#taken.delete(owner);
    else this.#taken.set(owner, left);
    // Owners with the maximum number of places are skipped. There are no more of them than places.
    for (const [next, queue] of this.#waiting) {
      if (!this.#mayHave(next)) continue;
      const first = queue.values().next().value!;
      this.#remove(next, first);
      // The owner's other waiters go behind those of all other owners.
      if (this.#waiting.delete(next)) this.#waiting.set(next, queue);
      this.#take(next);
      return first.serve();
    }
  }

  #mayHave(owner: string): boolean {
    return this.#free > 0 && (this.#taken.get(owner) ?? 0) < this.#perOwner;
  }

  #take(owner: string): void {
    this.#free--;
    this.#taken.set(owner, (this.#taken.get(owner) ?? 0) + 1);
  }

  #remove(owner: string, waiter: Waiter): void {
    const queue = this.#waiting.get(owner)!;
    queue.delete(waiter);
    if (queue.size === 0) this.#waiting.delete(owner);
  }
}
