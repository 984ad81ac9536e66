/**
 * A queue of calls that run one after another.
 *
 * @module
 */

/** Runs calls one at a time, in the order in which they are made. A call starts at once if no other is pending. */
export class SerialQueue {
  #last: Promise<unknown> | undefined;

  /** Runs a call when the calls before it have settled, with or without an error. */
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
