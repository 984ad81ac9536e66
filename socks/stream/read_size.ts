/**
 * Adapts the size of reads to what the peer sends.
 *
 * @module
 */

/** Size of the first read, and of the reads of little. */
const SMALL = 1_024;
/**
 * The same for a read that an idle session waits with, whose memory counts. Whoever hands the bytes on looks for the rest of a message
 * that fills it: there are servers that read once, answer and close, and the bytes that they have not read break their answer off.
 */
export const SHORT_READ = 256;
/** Largest read: room for four of the largest frames of RFC 1961. */
export const LARGEST_READ = 262_144;

/** Starts small, grows while the peer fills the reads, and shrinks when little comes. */
export class ReadSize {
  /** Size of the next read, in bytes. */
  next: number;
  readonly #least: number;

  /**
   * Creates a size.
   *
   * @param least Size of the first read.
   */
  constructor(least: number = SMALL) {
    this.#least = this.next = least;
  }

  /**
   * Adapts to the number of bytes that the last read returned.
   *
   * @param room Number of bytes for which there was room; it may differ from {@linkcode next}.
   */
  learn(count: number, room: number = this.next): void {
    if (count >= room) this.next = this.next < SMALL ? SMALL : Math.min(LARGEST_READ, 16 * this.next);
    else if (count < Math.min(room, this.next) / 16) this.next = this.next > SMALL ? SMALL : this.#least;
  }
}
