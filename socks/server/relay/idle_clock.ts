/**
 * The idle time of a relay.
 *
 * @module
 */
import type { Deadline } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksTimeoutError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";

/** Ends a relay in which no byte was transferred for a time. */
export class IdleClock {
  readonly #ends: readonly [Connection, Connection];
  readonly #clock: Deadline;
  #limit: number;
  /** When a byte was transferred last, and how many had left then. */
  #last: number = monotonicNow();
  #written: number;
  /** Directions that the gate delays. */
  #delayed = 0;
  #halfClosed = false;

  constructor(ends: readonly [Connection, Connection], clock: Deadline, idle: number) {
    this.#ends = ends;
    this.#clock = clock;
    this.#limit = idle;
    this.#written = this.#left();
    this.#start(idle);
  }

  /** Called when bytes came, or have left. */
  transferred(): void {
    this.#last = monotonicNow();
    this.#written = this.#left();
  }

  /** Waits for the gate; that time is not idle. */
  async delayed(until: Promise<void>): Promise<void> {
    this.#delayed++;
    try {
      await until;
    } finally {
      this.#delayed--;
      this.transferred();
    }
  }

  /** Shortens the time, because one side has ended. */
  shorten(milliseconds: number): void {
    if (milliseconds >= this.#limit) return;
    this.#halfClosed = true;
    this.#limit = milliseconds;
    this.transferred();
    this.#start(milliseconds);
  }

  #left(): number {
    const [one, other] = this.#ends;
    return (one.written ?? 0) + (other.written ?? 0);
  }

  #start(milliseconds: number): void {
    this.#clock.limit(milliseconds, () => this.#up());
  }

  /** Called when the timer fires, which is not restarted for every byte: it looks when the last byte was transferred. */
  #up(): Error | undefined {
    // A write that is under way tells how many bytes have left, but not when.
    if (this.#delayed > 0 || this.#left() !== this.#written) this.transferred();
    const left = this.#last + this.#limit - monotonicNow();
    if (left <= 0) return new SocksTimeoutError("IDLE_TIMEOUT", this.#problem());
    this.#start(left);
    return undefined;
  }

  #problem(): string {
    return this.#halfClosed
      ? `One side has ended, and the other sent nothing for ${this.#limit} ms`
      : `Nothing was sent or received for ${this.#limit} ms`;
  }
}
