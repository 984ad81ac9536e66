/**
 * Order and replay of per-message tokens (RFC 2743 section 1.2.3): a window over the last 64 numbers.
 *
 * @module
 */
import { randomUint32, type Runtime } from "../../base/runtime.ts";
import type { SupplementaryStatus } from "../../gss/status.ts";

/** A random initial number of 30 bits, because some peers read numbers as signed (RFC 4120 section 5.5.1 allows any). */
export function initialSequence(runtime: Runtime): number {
  return randomUint32(runtime) >>> 2;
}

/** Options of a {@linkcode SequenceWindow}. */
export interface SequenceOptions {
  /** Number of the first token. */
  readonly initial: bigint;
  /** Whether a token that was seen before is reported. */
  readonly replay: boolean;
  /** Whether a missing or late token is reported. */
  readonly sequence: boolean;
}

const WINDOW = 64;
const WORD = 2 ** 32;

/** Judges the numbers of genuine tokens; call {@linkcode check} once per token. Words of 32 bits: large integers take half a microsecond. */
export class SequenceWindow {
  readonly #initialHigh: number;
  readonly #initialLow: number;
  readonly #replay: boolean;
  readonly #sequence: boolean;
  /**
   * Both words of the number expected next, relative to the initial number, so that wrap-around at 2^64 is no special case. It does not
   * wrap around itself: after 2^64 tokens the first numbers would be replays.
   */
  #high = 0;
  #low = 0;
  /** Which of the numbers before have been seen, by the last six bits of their relative numbers. */
  readonly #seen = new Uint8Array(WINDOW);

  constructor(options: SequenceOptions) {
    this.#initialHigh = Number(BigInt.asUintN(32, options.initial >> 32n));
    this.#initialLow = Number(BigInt.asUintN(32, options.initial));
    this.#replay = options.replay;
    this.#sequence = options.sequence;
  }

  /** Judges a token by both words of its number and those before it. */
  check(high: number, low: number): SupplementaryStatus {
    if (!this.#replay && !this.#sequence) return "complete";
    const relativeLow = (low - this.#initialLow) >>> 0;
    const relativeHigh = (high - this.#initialHigh - (low < this.#initialLow ? 1 : 0)) >>> 0;
    // Exact where it is near zero, and of the right sign everywhere.
    const ahead = (relativeHigh - this.#high) * WORD + (relativeLow - this.#low);
    const slot = relativeLow % WINDOW;
    if (ahead < 0) return this.#late(-ahead, slot);
    // What was skipped takes the places of numbers that leave the window.
    for (let i = Math.min(ahead, WINDOW); i > 0; i--) this.#seen[(relativeLow - i) & (WINDOW - 1)] = 0;
    this.#seen[slot] = 1;
    this.#low = (relativeLow + 1) % WORD;
    this.#high = relativeHigh + (this.#low === 0 ? 1 : 0);
    return ahead > 0 && this.#sequence ? "gap" : "complete";
  }

  #late(age: number, slot: number): SupplementaryStatus {
    if (age > WINDOW) return this.#sequence ? "unsequenced" : "old";
    if (this.#replay && this.#seen[slot] === 1) return "duplicate";
    this.#seen[slot] = 1;
    return this.#sequence ? "unsequenced" : "complete";
  }
}
