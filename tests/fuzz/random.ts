/**
 * Chance that comes out the same for the same seed.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";

/** Numbers by chance (Marsaglia's xorshift of 32 bits). */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Zero is the one state that leads nowhere; neighbouring seeds are spread apart.
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  }

  /** From 0 up to, and not including, `limit`. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  /** True once in so many times. */
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

/** An input that only says how to change something which is made anew each time. */
export const drawn = (random: Random): Bytes => random.bytes(4);

/** The chance in such an input. */
export function chanceOf(input: Bytes): Random {
  return new Random(new DataView(input.buffer, input.byteOffset).getUint32(0));
}
