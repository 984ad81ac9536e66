/**
 * A clock that a test moves by hand, and repeatable randomness.
 *
 * @module
 */
import type { Runtime } from "../../base/runtime.ts";

/** A runtime for tests: the clock stands still until `time` is set. */
export class TestRuntime implements Runtime {
  time: number;
  #seed: number;

  constructor(time: number = Date.UTC(2026, 0, 15, 12), seed = 1) {
    this.time = time;
    this.#seed = seed;
  }

  now(): number {
    return this.time;
  }

  /** A linear congruential generator: the same bytes for the same seed. */
  fillRandom(target: Uint8Array<ArrayBuffer>): void {
    for (let i = 0; i < target.length; i++) {
      this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
      target[i] = this.#seed >>> 24;
    }
  }
}
