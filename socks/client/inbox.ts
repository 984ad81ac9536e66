/**
 * What has come and waits for its receivers, and receivers that wait for what comes, each in their order.
 *
 * @module
 */

/** What waits to be received, or is being looked at; what comes beyond it is dropped. */
const ROOM = 256;

/** Somebody who waits. */
interface Receiver<T> {
  take(item: T): void;
  fail(error: unknown): void;
}

/** What has come, in its order. After the end, what had come is given out, and then the failure to everybody. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #receivers: Receiver<T>[] = [];
  #reserved = 0;
  #failure: { readonly error: unknown } | undefined;

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#failure !== undefined;
  }

  /** Takes a place for something that must be looked at first; `false` where there is none. */
  reserve(): boolean {
    if (this.ended || this.#items.length + this.#reserved >= ROOM) return false;
    this.#reserved++;
    return true;
  }

  /** Puts something into the place that was taken. */
  put(item: T): void {
    this.#reserved--;
    if (this.ended) return;
    const receiver = this.#receivers.shift();
    if (receiver === undefined) this.#items.push(item);
    else receiver.take(item);
  }

  /** Gives the place back that was taken. */
  putNothing(): void {
    this.#reserved--;
  }

  /** The next that has come, or comes. Whoever gives up, by the signal, takes nothing from those behind. */
  next(signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#items.length > 0) return resolve(this.#items.shift()!);
      this.throwIfEnded();
      const done = () => signal?.removeEventListener("abort", giveUp);
      const receiver: Receiver<T> = {
        take(item): void {
          done();
          resolve(item);
        },
        fail(error): void {
          done();
          reject(error);
        },
      };
      const giveUp = () => {
        this.#receivers.splice(this.#receivers.indexOf(receiver), 1);
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#receivers.push(receiver);
    });
  }

  /** Throws what it has ended with. */
  throwIfEnded(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /**
   * Ends it; "at once" takes away what has come.
   *
   * @returns Whether it had not ended before.
   */
  end(error: unknown, how?: "at once"): boolean {
    if (how === "at once") this.#items.length = 0;
    if (this.#failure !== undefined) return false;
    this.#failure = { error };
    for (const receiver of this.#receivers.splice(0)) receiver.fail(error);
    return true;
  }
}
