/**
 * Order and replay of per-message tokens (RFC 2743 section 1.2.3): a window over the last 64 numbers.
 *
 * @module
 */
import { randomUint32, type Runtime } from "../../base/runtime.ts";
import type { SupplementaryStatus } from "../../gss/status.ts";

/** A number to begin with: 30 bits, since some peers read numbers as signed (RFC 4120 section 5.5.1 allows any). */
export function initialSequence(runtime: Runtime): number {
  return randomUint32(runtime) >>> 2;
}

/** What a context asked for. */
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

/** Judges the numbers of genuine tokens; call {@linkcode check} once for each. */
export class SequenceWindow {
  readonly #initial: bigint;
  readonly #replay: boolean;
  readonly #sequence: boolean;
  /**
   * Number expected next, reckoned from the initial one so that wrapping around at 2^64 needs no care. After the last number
   * that there is comes none: what were else the first ones again could be replays.
   */
  #next = 0n;
  /** Which of the numbers before were seen: bit 0 stands for the one just before. */
  #seen = 0n;

  constructor(options: SequenceOptions) {
    this.#initial = options.initial;
    this.#replay = options.replay;
    this.#sequence = options.sequence;
  }

  /** Where a token stands among those before it. */
  check(number: bigint): SupplementaryStatus {
    if (!this.#replay && !this.#sequence) return "complete";
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
