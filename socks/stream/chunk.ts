/**
 * Bytes that a caller gave to be sent, in the caller's memory.
 *
 * @module
 */
import { bytesOf } from "../../base/bytes.ts";

/** Longest chunk that is copied if it has to wait: the copy costs less than the wait. */
export const SMALL_CHUNK = 4_096;

/** Bytes to send. The length stays what it was at first, even if the caller transfers or shrinks the memory. */
export class Chunk {
  /** Number of bytes to send. */
  readonly length: number;
  readonly #bytes: Uint8Array;

  /**
   * Creates a chunk; do this before anything else with the caller's bytes.
   *
   * @param source Bytes; any value if the program is not type-checked.
   * @param copied Whether a small chunk is copied, so that the caller may reuse its memory at once.
   * @throws {TypeError} When `source` is not bytes, or its memory was transferred.
   */
  constructor(source: unknown, copied: boolean) {
    const bytes = bytesOf(source);
    this.length = bytes.length;
    this.#bytes = copied && bytes.length <= SMALL_CHUNK ? bytes.slice() : bytes;
  }

  /** Whether it is no longer than {@linkcode SMALL_CHUNK}. */
  get isSmall(): boolean {
    return this.length <= SMALL_CHUNK;
  }

  /** Whether the memory was transferred or shrunk, so that bytes are missing. */
  get isShrunk(): boolean {
    return this.#bytes.length < this.length;
  }

  /**
   * Returns `count` bytes from `at` on.
   *
   * @throws {TypeError} When the memory was transferred or shrunk.
   */
  from(at: number, count: number = this.length - at): Uint8Array {
    if (this.isShrunk) throw this.shrunkError(at);
    return count === this.#bytes.length ? this.#bytes : this.#bytes.subarray(at, at + count);
  }

  /** Creates the error of {@linkcode Chunk.isShrunk}. */
  shrunkError(sent: number): TypeError {
    return new TypeError(
      `Cannot send: the buffer was transferred or shrunk when ${sent} of its ${this.length} bytes were sent; ` +
        "leave it alone until write() is done, or write a copy",
    );
  }
}
