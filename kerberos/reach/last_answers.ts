/**
 * Remembers which KDC of a realm, or which address of a name, answered last. It is asked first, so that one that is down costs time
 * once and not with every message.
 *
 * @module
 */
import { monotonicNow } from "../../base/runtime.ts";

/** How long an answer is remembered, in milliseconds. */
const REMEMBERED = 5 * 60_000;
/** Groups that are remembered at most: a client may be referred from realm to realm. */
const MAX_GROUPS = 100;

/** The member of each group that answered last. */
export class LastAnswers {
  readonly #now: () => number;
  readonly #last = new Map<string, { readonly member: string; readonly until: number }>();

  /**
   * Creates an empty memory.
   *
   * @param now A monotonic clock.
   */
  constructor(now: () => number = monotonicNow) {
    this.#now = now;
  }

  /** Returns the member to ask first; `undefined` if none is remembered. */
  first(group: string): string | undefined {
    const last = this.#last.get(group);
    if (last === undefined || this.#now() < last.until) return last?.member;
    this.#last.delete(group);
    return undefined;
  }

  /** Remembers the member that answered. */
  answered(group: string, member: string): void {
    // The group that answered longest ago stands first, and makes room.
    this.#last.delete(group);
    if (this.#last.size === MAX_GROUPS) this.#last.delete(this.#last.keys().next().value!);
    this.#last.set(group, { member, until: this.#now() + REMEMBERED });
  }

  /** Forgets the member if it is the one remembered. */
  failed(group: string, member: string): void {
    if (this.#last.get(group)?.member === member) this.#last.delete(group);
  }
}
