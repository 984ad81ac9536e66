/**
 * Adapts the size of reads to what the peer sends.
 *
 * @module
 */

/** Size of the first read, which an idle connection holds: two sockets with 64 bytes take 3.8 KiB less than with 1 KiB. */
const FIRST = 64;
/** Size of the reads of little, once something has come. */
const SMALL = 1_024;
/** Largest read: room for four of the largest frames of RFC 1961. Larger reads are not faster. */
export const LARGEST_READ = 262_144;

/** Starts very small, grows while the peer fills the reads, and shrinks when little comes. */
export class ReadSize {
  /** Size of the next read, in bytes. */
  next: number = FIRST;

  /** Adapts to the number of bytes that the last read returned. */
  learn(count: number): void {
    if (count >= this.next) this.next = Math.min(LARGEST_READ, 16 * this.next);
    else if (this.next > SMALL && count < this.next / 16) this.next = SMALL;
  }
}
