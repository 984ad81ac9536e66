/**
 * How much to read at a time.
 *
 * @module
 */

/** An idle connection holds this much for the bytes that may come; memory of this size is set aside quickly. */
const SMALL = 1_024;
/** Four of the largest frames of RFC 1961 nearly fill this; more at a time is not faster. */
export const LARGEST_READ = 262_144;

/** Begins small, grows while the peer fills what there is, and is small again when little comes. */
export class ReadSize {
  /** Bytes to have room for in the next read. */
  next: number = SMALL;

  /** Takes in what the last read brought. */
  learn(count: number): void {
    if (count >= this.next) this.next = Math.min(LARGEST_READ, 16 * this.next);
    else if (count < this.next / 16) this.next = SMALL;
  }
}
