/**
 * How far the KDC's clock is ahead of ours (RFC 4120 section 3.1.5), and how long that is valid: it is a difference of two clocks, and
 * ours may be set at any time.
 *
 * @module
 */
import { monotonicNow, type Runtime, systemRuntime } from "../../../base/runtime.ts";

/** Clocks that have moved apart by more than this were set, in milliseconds. */
const STEP = 5_000;
/** For so long a service cannot cause a new measurement, in milliseconds: it is its own clock that is wrong. */
const RECENT = 60_000;

/** The KDC's clock as one client knows it. */
export class KdcClock {
  readonly #runtime: Runtime;
  readonly #monotonic: () => number;
  /** Offset measured here, in milliseconds; `undefined` before that. */
  #measured: number | undefined;
  /** What both clocks showed at the last measurement, or at the start. */
  #reference: { readonly wall: number; readonly monotonic: number };
  #doubtful = false;
  /** Time of the last attempt to measure it, by the monotonic clock. */
  #lastAttempt = -Infinity;

  /**
   * Creates a clock.
   *
   * @param runtime The wall clock.
   * @param monotonic A monotonic clock. @default {the machine's; with a wall clock other than the machine's, that one}
   */
  constructor(runtime: Runtime, monotonic?: () => number) {
    this.#runtime = runtime;
    this.#monotonic = monotonic ?? (runtime === systemRuntime ? monotonicNow : () => runtime.now());
    this.#reference = this.#both();
  }

  /** How far the KDC's clock is ahead: the offset measured here, otherwise the one that a cache has stored. */
  offset(stored: number | undefined): number {
    return this.#measured ?? stored ?? 0;
  }

  /** Whether the offset must be measured again: our clock was set since, or a service has refused a ticket for its time. */
  get isDoubtful(): boolean {
    const { wall, monotonic } = this.#both();
    return this.#doubtful || Math.abs((wall - this.#reference.wall) - (monotonic - this.#reference.monotonic)) > STEP;
  }

  /** Sets the offset that a KDC's answer has shown. */
  measured(offset: number): void {
    this.#measured = offset;
    this.#settle();
  }

  /** Keeps the offset as it is: the KDC cannot be asked, and must not be waited for each time. */
  unmeasurable(): void {
    this.#settle();
  }

  /**
   * Notes that a service has refused a ticket for its time. Any peer can claim this, so that it causes one measurement a minute at
   * most.
   *
   * @param used The offset that the ticket was used with.
   * @returns Whether another attempt may succeed.
   */
  refused(used: number): boolean {
    if (!this.isDoubtful) {
      // The offset was measured again meanwhile.
      if (this.#measured !== undefined && used !== this.#measured) return true;
      if (this.#monotonic() - this.#lastAttempt < RECENT) return false;
    }
    this.#doubtful = true;
    return true;
  }

  /** Compares both clocks with their values of now from here on. */
  #settle(): void {
    this.#reference = this.#both();
    this.#lastAttempt = this.#reference.monotonic;
    this.#doubtful = false;
  }

  #both(): { readonly wall: number; readonly monotonic: number } {
    return { wall: this.#runtime.now(), monotonic: this.#monotonic() };
  }
}
