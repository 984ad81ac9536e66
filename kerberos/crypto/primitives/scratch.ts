/**
 * Scratch memory for messages in a cipher, wiped after each.
 *
 * @module
 */
import { BufferPool } from "../../../base/buffer_pool.ts";
import type { Bytes } from "../../../base/bytes.ts";

/** Pools for short messages, and for the longest message of RFC 1961 with the bytes that sealing adds. */
const POOLS = [new BufferPool(2_048, 8), new BufferPool(66_048, 8)];

/** Returns at least `length` zero bytes, at the start of their buffer. */
export function acquireScratch(length: number): Bytes {
  return POOLS.find(({ size }) => length <= size)?.acquire() ?? new Uint8Array(length);
}

/** Returns scratch memory to its pool; wipes the first `length` bytes, the ones that were used. */
export function releaseScratch(bytes: Bytes, length: number): void {
  bytes.fill(0, 0, length);
  POOLS.find(({ size }) => bytes.length === size)?.release(bytes);
}
