/**
 * Memory for messages on their way through the cipher, wiped after each.
 *
 * @module
 */
import { BufferPool } from "../../../base/buffer_pool.ts";
import type { Bytes } from "../../../base/bytes.ts";

/** For short messages, and for the longest of RFC 1961 with what sealing adds. */
const POOLS = [new BufferPool(2_048, 8), new BufferPool(66_048, 8)];

/** At least `length` bytes of zero, from the beginning of their buffer. */
export function borrow(length: number): Bytes {
  return POOLS.find(({ size }) => length <= size)?.acquire() ?? new Uint8Array(length);
}

/** Takes them back. The first `length` bytes, which are all that were used, are wiped. */
export function release(bytes: Bytes, length: number): void {
  bytes.fill(0, 0, length);
  POOLS.find(({ size }) => bytes.length === size)?.release(bytes);
}
