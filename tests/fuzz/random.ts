/**
 * Repeatable randomness: the same numbers for the same seed.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";

/** Pseudo-random numbers (Marsaglia's xorshift of 32 bits). */
export class Random {
  #state: number;

  constructor(seed: number) {
    // The state must not be zero; nearby seeds are spread apart.
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  }

  /** Returns an integer from 0 to `limit` - 1. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  /** Returns true once in `many` times. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  bytes(length: number): Bytes {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** Returns an input that is only a seed: it says how to change something that is created each time. */
export const drawn = (random: Random): Bytes => random.bytes(4);

/** Returns the random numbers of such an input. */
export function chanceOf(input: Bytes): Random {
  return new Random(new DataView(input.buffer, input.byteOffset).getUint32(0));
}
