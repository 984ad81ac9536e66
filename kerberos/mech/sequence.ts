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

const WINDOW = 64n;
const MASK = (1n << 64n) - 1n;
const WORD = 2 ** 32;

/** Judges the numbers of genuine tokens; call {@linkcode check} once per token. */
export class SequenceWindow {
  readonly #initial: bigint;
  readonly #replay: boolean;
  readonly #sequence: boolean;
  /**
   * Number expected next, relative to the initial number, so that wrap-around at 2^64 is no special case. It does not wrap
   * around itself: after 2^64 tokens the first numbers would be replays.
   */
  #next = 0n;
  /** Which of the numbers before have been seen; bit 0 is the number just before. */
  #seen = 0n;
  /** Tokens in order that `#next` and `#seen` do not count yet: large integers take longer than the rest of a token's judgement. */
  #inOrder = 0;
  /** Both words of the number expected next. */
  #high = 0;
  #low = 0;

  constructor(options: SequenceOptions) {
    this.#initial = options.initial;
    this.#replay = options.replay;
    this.#sequence = options.sequence;
    this.#expect(options.initial);
  }

  /** Judges a token by both words of its number and those before it. */
  check(high: number, low: number): SupplementaryStatus {
    if (!this.#replay && !this.#sequence) return "complete";
    if (low === this.#low && high === this.#high) {
      this.#inOrder++;
      this.#low = (low + 1) % WORD;
      if (this.#low === 0) this.#high = (high + 1) % WORD;
      return "complete";
    }
    const count = BigInt(this.#inOrder);
    this.#inOrder = 0;
    this.#next += count;
    this.#seen = count >= WINDOW ? MASK : ((this.#seen + 1n << count) - 1n) & MASK;
    const status = this.#checkOutOfOrder(BigInt(high) << 32n | BigInt(low));
    this.#expect(this.#initial + this.#next);
    return status;
  }

  #expect(number: bigint): void {
    // Near the last of all numbers each is judged for itself: none is expected after it.
    if (this.#next > MASK >> 1n) return void (this.#high = -1);
    this.#high = Number(BigInt.asUintN(32, number >> 32n));
    this.#low = Number(BigInt.asUintN(32, number));
  }

  #checkOutOfOrder(number: bigint): SupplementaryStatus {
    const relative = (number - this.#initial) & MASK;
    if (relative >= this.#next) {
      const missing = relative - this.#next;
      this.#seen = missing >= WINDOW ? 1n : ((this.#seen << (missing + 1n)) | 1n) & MASK;
      this.#next = relative + 1n;
      return missing > 0n && this.#sequence ? "gap" : "complete";
    }
    const age = this.#next - relative;
    if (age > WINDOW) return this.#sequence ? "unsequenced" : "old";
    const bit = 1n << (age - 1n);
    if (this.#replay && (this.#seen & bit) !== 0n) return "duplicate";
    this.#seen |= bit;
    return this.#sequence ? "unsequenced" : "complete";
  }
}
