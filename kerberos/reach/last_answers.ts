/**
 * Who answered last, so that whoever is well is asked first and the dead cost time once, not with every message.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";

/** How long somebody who answered goes first, in milliseconds. */
const REMEMBERED = 5 * 60_000;
/** For so many it is remembered: a client may be sent from realm to realm. */
const MOST = 100;

/** A memory of who answered last, for each of those who may be asked in several places. */
export class AnsweredLast {
  readonly #now: () => number;
  readonly #last = new Map<string, { readonly who: string; readonly until: number }>();

  /**
   * Makes one.
   *
   * @param now A clock that nobody sets.
   */
  constructor(now: () => number = monotonicNow) {
    this.#now = now;
  }

  /** Who answered last and is to be asked first; `undefined` where that is forgotten. */
  first(of: string): string | undefined {
    const last = this.#last.get(of);
    if (last === undefined || this.#now() < last.until) return last?.who;
    this.#last.delete(of);
    return undefined;
  }

  /** Remembers who has answered. */
  answered(of: string, who: string): void {
    // The one that has not been heard of for the longest time stands first, and is forgotten for it.
    this.#last.delete(of);
    if (this.#last.size === MOST) this.#last.delete(this.#last.keys().next().value!);
    this.#last.set(of, { who, until: this.#now() + REMEMBERED });
  }

  /** Forgets who has failed. */
  failed(of: string, who: string): void {
    if (this.#last.get(of)?.who === who) this.#last.delete(of);
  }
}
