/**
 * What arrives at a place of the kit, for checks that wait for it.
 *
 * @module
 */
import type { Connection } from "../socks/stream/connection.ts";
import type { ConnectionListener } from "../socks/stream/listener.ts";
import { abortable, startDeadline } from "../base/deadline.ts";

/** A queue of arrivals. */
export class Arrivals<T> {
  #waiting: T[] = [];
  #changed = Promise.withResolvers<void>();

  get length(): number {
    return this.#waiting.length;
  }

  push(one: T): void {
    this.#waiting.push(one);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Returns the next arrival; `undefined` if there is none in time. */
  async next(milliseconds: number): Promise<T | undefined> {
    using deadline = startDeadline({ milliseconds, reason: () => new Error("nothing arrived") });
    while (this.#waiting.length === 0) {
      if (!await abortable(this.#changed.promise, deadline).then(() => true, () => false)) return undefined;
    }
    return this.#waiting.shift();
  }

  /** Returns what has arrived and was not asked for, and forgets it. */
  takeAll(): T[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }
}

/** Queues the connections of a listener until it is closed. */
export async function acceptAll(listener: ConnectionListener, arrivals: Arrivals<Connection>): Promise<void> {
  for (;;) {
    const connection = await listener.accept().catch(() => undefined);
    if (connection === undefined) return;
    arrivals.push(connection);
  }
}
