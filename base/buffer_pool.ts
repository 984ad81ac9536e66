/**
 * A pool of reusable buffers. Allocating 64 KiB takes 12 us, about as long as encrypting it, and is work for the garbage
 * collector.
 *
 * @module
 */
import type { Bytes } from "./bytes.ts";

/** Buffers of one size. A buffer keeps its old contents until they are overwritten. */
export class BufferPool {
  /** Number of bytes of each buffer. */
  readonly size: number;
  readonly #kept: number;
  readonly #spare: Bytes[] = [];

  /**
   * Creates an empty pool.
   *
   * @param size Number of bytes of each buffer.
   * @param kept Maximum number of buffers that are kept; more may be in use.
   */
  constructor(size: number, kept: number) {
    this.size = size;
    this.#kept = kept;
  }

  /** Returns a buffer that is not in use. */
  acquire(): Bytes {
    return this.#spare.pop() ?? new Uint8Array(this.size);
  }

  /** Takes back a buffer. An array of another size is left to the garbage collector. */
  release(buffer: Bytes): void {
    if (buffer.length === this.size && this.#spare.length < this.#kept) this.#spare.push(buffer);
  }
}
