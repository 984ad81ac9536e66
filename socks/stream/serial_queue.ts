/**
 * Calls that overlap, one after another.
 *
 * @module
 */

/** Runs calls in the order in which they are made; the first one, and one that finds nobody ahead, at once. */
export class SerialQueue {
  #last: Promise<unknown> | undefined;

  /** Runs a call when those before it have ended, well or not. */
  run<T>(call: () => Promise<T>): Promise<T> {
    const done = this.#last === undefined ? call() : this.#last.then(call, call);
    this.#last = done;
    const ended = () => {
      if (this.#last === done) this.#last = undefined;
    };
    done.then(ended, ended);
    return done;
  }
}
