/**
 * A queue of received items, and of receivers that wait for items.
 *
 * @module
 */
import { onAbort } from "../../base/deadline.ts";

/** Items in the queue, with those that are being decoded; more are dropped. */
const CAPACITY = 256;

/** A pending call of {@linkcode Inbox.next}. */
interface Receiver<T> {
  take(item: T): void;
  fail(error: unknown): void;
}

/** Received items in order. After the end, the items that remain are returned first, then every call fails. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #receivers: Receiver<T>[] = [];
  #reserved = 0;
  #failure: { readonly error: unknown } | undefined;

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#failure !== undefined;
  }

  /** Reserves a place for an item that must be decoded first. Returns `false` if there is no place. */
  reserve(): boolean {
    if (this.ended || this.#items.length + this.#reserved >= CAPACITY) return false;
    this.#reserved++;
    return true;
  }

  /** Puts an item into a reserved place. */
  put(item: T): void {
    this.#reserved--;
    if (this.ended) return;
    const receiver = this.#receivers.shift();
    if (receiver === undefined) this.#items.push(item);
    else receiver.take(item);
  }

  /** Releases a reserved place without an item. */
  release(): void {
    this.#reserved--;
  }

  /** Returns the next item, or waits for it. The signal ends the wait, and the item goes to the next caller. */
  next(signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#items.length > 0) return resolve(this.#items.shift()!);
      this.throwIfEnded();
      const receiver: Receiver<T> = {
        take(item): void {
          listening[Symbol.dispose]();
          resolve(item);
        },
        fail(error): void {
          listening[Symbol.dispose]();
          reject(error);
        },
      };
      const listening = onAbort(signal, (reason) => {
        this.#receivers.splice(this.#receivers.indexOf(receiver), 1);
        reject(reason);
      });
      this.#receivers.push(receiver);
    });
  }

  /** Throws the error with which it ended. */
  throwIfEnded(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /**
   * Ends it. "discard" removes the items that remain.
   *
   * @returns Returns whether it had not ended before.
   */
  end(error: unknown, remaining: "keep" | "discard"): boolean {
    if (remaining === "discard") this.#items.length = 0;
    if (this.#failure !== undefined) return false;
    this.#failure = { error };
    for (const receiver of this.#receivers.splice(0)) receiver.fail(error);
    return true;
  }
}
