/**
 * Memory for many short byte strings.
 *
 * @module
 */
import { type Bytes, EMPTY } from "./bytes.ts";

/** Size of one piece of memory: twice the largest datagram, so that at least half of it is used. */
const SIZE = 131_072;

/**
 * Gives out memory from one large piece after another. An array of 1,200 bytes of its own takes four times as long as one of these.
 * Each part has one owner, and a piece is collected when none of its parts is used any more, so keep a copy of what is kept for long.
 */
export class Slab {
  #bytes: Bytes = EMPTY;
  #at = 0;

  /** Returns memory of `size` bytes to be filled. It is given out again unless it is taken. */
  room(size: number): Bytes {
    if (this.#at + size > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(SIZE, size));
      this.#at = 0;
    }
    return this.#bytes.subarray(this.#at, this.#at + size);
  }

  /** Takes the first bytes of the room that was returned last: they belong to the caller. */
  take(length: number): void {
    this.#at += length;
  }
}
