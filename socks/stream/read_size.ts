/**
 * How much to read at a time.
 *
 * @module
 */

/** An idle connection holds this much for the octets that may come. */
const SMALL = 2_048;
/** Four of the largest frames of RFC 1961 nearly fill this; more at a time is not faster. */
export const LARGE = 262_144;

/** Begins small, is large as soon as the peer fills that, and small again when little comes. */
export class ReadSize {
  /** Octets to have room for in the next read. */
  next: number = SMALL;

  /** Takes in what the last read brought. */
  learn(count: number): void {
    if (this.next === SMALL && count === SMALL) this.next = LARGE;
    else if (count < LARGE / 16) this.next = SMALL;
  }
}
