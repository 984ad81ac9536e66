/**
 * Memory that is used again. Setting aside fresh memory costs as much as the cryptography on what is put there (12 us for
 * 64 KiB, 0.6 us for any little), and much of it keeps the garbage collector busy.
 *
 * @module
 */
import type { Bytes } from "./bytes.ts";

/** Buffers of one size. What is in one that was used before stays in it until it is overwritten. */
export class BufferPool {
  /** Bytes of each buffer. */
  readonly size: number;
  readonly #kept: number;
  readonly #spare: Bytes[] = [];

  /**
   * Makes one.
   *
   * @param size Bytes of each buffer.
   * @param kept Buffers kept at most; more may be under way.
   */
  constructor(size: number, kept: number) {
    this.size = size;
    this.#kept = kept;
  }

  /** A buffer that nobody else has. */
  acquire(): Bytes {
    return this.#spare.pop() ?? new Uint8Array(this.size);
  }

  /** Takes one back that is not in use any more; arrays of other sizes are left to the garbage collector. */
  release(buffer: Bytes): void {
    if (buffer.length === this.size && this.#spare.length < this.#kept) this.#spare.push(buffer);
  }
}
