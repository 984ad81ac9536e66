/**
 * How far the KDC's clock is ahead of ours (RFC 4120 section 3.1.5), and as long as that may be believed: it is a difference of two
 * clocks, and ours may be set at any time.
 *
 * @module
 */
import { monotonicNow, type Runtime, systemRuntime } from "../../../base/runtime.ts";

/** Clocks that have moved apart by more than this have not done so by themselves, in milliseconds. */
const STEP = 5_000;
/** What was measured so lately is not measured again because a service says so, in milliseconds: its own clock is wrong then. */
const LATELY = 60_000;

/** The KDC's clock as one client knows it. */
export class KdcClock {
  readonly #runtime: Runtime;
  readonly #monotonic: () => number;
  /** What was measured here, in milliseconds; `undefined` before that. */
  #measured: number | undefined;
  /** What both clocks showed when it was, or when this began. */
  #at: { readonly wall: number; readonly monotonic: number };
  #doubtful = false;
  /** When it was measured last, or tried to be, by the monotonic clock. */
  #looked = -Infinity;

  /**
   * Makes one.
   *
   * @param runtime The wall clock.
   * @param monotonic A clock that nobody sets. @default {the machine's; beside another wall clock than its own, that one}
   */
  constructor(runtime: Runtime, monotonic?: () => number) {
    this.#runtime = runtime;
    this.#monotonic = monotonic ?? (runtime === systemRuntime ? monotonicNow : () => runtime.now());
    this.#at = this.#both();
  }

  /** How far the KDC's clock is ahead: what was measured here, or else what a cache has stored. */
  offset(stored: number | undefined): number {
    return this.#measured ?? stored ?? 0;
  }

  /** Whether it is to be measured anew: our clock was set since, or a service has refused what it led to. */
  get isDoubtful(): boolean {
    const { wall, monotonic } = this.#both();
    return this.#doubtful || Math.abs((wall - this.#at.wall) - (monotonic - this.#at.monotonic)) > STEP;
  }

  /** Takes what a KDC's answer has shown. */
  measured(offset: number): void {
    this.#measured = offset;
    this.#settle();
  }

  /** Goes on with what there is: the KDC cannot be asked, and is not to be waited for each time. */
  unmeasurable(): void {
    this.#settle();
  }

  /**
   * A service has refused a ticket for its time.
   *
   * @param used The offset that it was used with.
   * @returns Whether another attempt may do better. Anybody can say so, so that it costs one measurement a minute at most.
   */
  refused(used: number): boolean {
    if (!this.isDoubtful) {
      // Another one has seen to it meanwhile.
      if (this.#measured !== undefined && used !== this.#measured) return true;
      if (this.#monotonic() - this.#looked < LATELY) return false;
    }
    this.#doubtful = true;
    return true;
  }

  /** From now on both clocks are held against each other anew. */
  #settle(): void {
    this.#at = this.#both();
    this.#looked = this.#at.monotonic;
    this.#doubtful = false;
  }

  #both(): { readonly wall: number; readonly monotonic: number } {
    return { wall: this.#runtime.now(), monotonic: this.#monotonic() };
  }
}
