/**
 * Adapts the size of reads to what the peer sends.
 *
 * @module
 */

/**
 * Size of the first read, and of the reads of little. A shorter one saves an idle session some memory, and cuts requests in two: there are
 * servers that read once, answer and close, and the bytes that they have not read break their answer off.
 */
const SMALL = 1_024;
/** Largest read: room for four of the largest frames of RFC 1961. */
export const LARGEST_READ = 262_144;

/** Starts small, grows while the peer fills the reads, and shrinks when little comes. */
export class ReadSize {
  /** Size of the next read, in bytes. */
  next: number = SMALL;

  /**
   * Adapts to the number of bytes that the last read returned.
   *
   * @param room Number of bytes for which there was room; it may differ from {@linkcode next}.
   */
  learn(count: number, room: number = this.next): void {
    if (count >= room) this.next = Math.min(LARGEST_READ, 16 * this.next);
    else if (count < Math.min(room, this.next) / 16) this.next = SMALL;
  }
}
