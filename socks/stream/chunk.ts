/**
 * What a caller gives to be written, which stays the caller's.
 *
 * @module
 */
import { bytesOf } from "../../base/bytes.ts";

/** Chunks of this size and less are copied where they have to wait: that costs less than the wait. */
export const SMALL_CHUNK = 4_096;

/** What a caller gave to be written. Its length is the one of the beginning, whatever becomes of its memory. */
export class Chunk {
  /** Bytes to send. */
  readonly length: number;
  readonly #bytes: Uint8Array;

  /**
   * Takes a chunk, before anything else is done with it.
   *
   * @param source Bytes in whatever a program that checks no types gives.
   * @param copied Whether a small one is copied, so that the caller may use its memory again at once.
   * @throws {TypeError} When it is no bytes, or has none any more.
   */
  constructor(source: unknown, copied: boolean) {
    const bytes = bytesOf(source);
    this.length = bytes.length;
    this.#bytes = copied && bytes.length <= SMALL_CHUNK ? bytes.slice() : bytes;
  }

  /** Whether its memory was transferred or shrunk, so that bytes which are still to go are there no more. */
  get isCut(): boolean {
    return this.#bytes.length < this.length;
  }

  /**
   * Bytes from a place on, as many as are wanted.
   *
   * @throws {TypeError} When not all of the chunk is there any more.
   */
  from(at: number, count: number = this.length - at): Uint8Array {
    if (this.isCut) throw this.cut(at);
    return count === this.#bytes.length ? this.#bytes : this.#bytes.subarray(at, at + count);
  }

  /** Says that not all of it is there any more. */
  cut(sent: number): TypeError {
    return new TypeError(
      `Cannot send: the buffer was transferred or shrunk when ${sent} of its ${this.length} bytes were sent; ` +
        "leave it alone until write() is done, or write a copy",
    );
  }
}
