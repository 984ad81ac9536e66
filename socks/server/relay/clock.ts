/**
 * Who is at a relay no more: where nothing goes on, and where a client is gone that nobody reads.
 *
 * @module
 */
import { type Deadline, startDeadline } from "../../../base/deadline.ts";
import { monotonicNow } from "../../../base/runtime.ts";
import { SocksTimeoutError } from "../../errors.ts";
import { type Connection, probe } from "../../stream/connection.ts";

/** Ends a relay in which nothing goes on. */
export class Silence {
  readonly #ends: readonly [Connection, Connection];
  readonly #clock: Deadline;
  #limit: number;
  /** When something went on for the last time, and what had left then. */
  #last: number = monotonicNow();
  #written: number;
  /** Directions that the gate holds up. */
  #held = 0;
  #halfClosed = false;

  constructor(ends: readonly [Connection, Connection], clock: Deadline, idle: number) {
    this.#ends = ends;
    this.#clock = clock;
    this.#limit = idle;
    this.#written = this.#left();
    this.#start(idle);
  }

  /** Bytes came, or have left. */
  broken(): void {
    this.#last = monotonicNow();
    this.#written = this.#left();
  }

  /** The gate holds bytes up meanwhile. */
  async held(until: Promise<void>): Promise<void> {
    this.#held++;
    try {
      await until;
    } finally {
      this.#held--;
      this.broken();
    }
  }

  /** One side has ended: from now on it is so long at most. */
  atMost(milliseconds: number): void {
    if (milliseconds >= this.#limit) return;
    this.#halfClosed = true;
    this.#limit = milliseconds;
    this.broken();
    this.#start(milliseconds);
  }

  #left(): number {
    const [one, other] = this.#ends;
    return (one.written ?? 0) + (other.written ?? 0);
  }

  #start(milliseconds: number): void {
    this.#clock.limit(milliseconds, () => this.#up());
  }

  /** The timer is not started anew for every byte: when its time is up it looks for how long there was none. */
  #up(): Error | undefined {
    // A write that is under way tells how far it is, and not when it came there.
    if (this.#held > 0 || this.#left() !== this.#written) this.broken();
    const left = this.#last + this.#limit - monotonicNow();
    if (left <= 0) return new SocksTimeoutError("IDLE_TIMEOUT", this.#problem());
    this.#start(left);
    return undefined;
  }

  #problem(): string {
    return this.#halfClosed
      ? `One side has ended, and the other was silent ${this.#limit} ms`
      : `Nothing was sent or received for ${this.#limit} ms`;
  }
}

/**
 * While the target takes nothing, nothing is read of the client, whose reset would not be seen: it is asked from time to time. A target
 * that has reset is let be, since what it sent before is the client's, however slowly that one takes it.
 */
export class Watch implements Disposable {
  #timer: Deadline | undefined;
  readonly #client: Connection;
  readonly #target: Connection;
  readonly #options: WatchOptions;
  #waits = false;
  #runs = false;
  #written: number | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor([client, target]: readonly [Connection, Connection], options: WatchOptions) {
    this.#client = client;
    this.#target = target;
    this.#options = options;
  }

  /** Nothing is read from now on, but for what is being read already. */
  waits(reading?: Promise<unknown>): void {
    this.#waits = true;
    reading?.catch((error) => this.#failure = { error });
    if (this.#runs) return;
    this.#runs = true;
    this.#written = this.#target.written;
    this.#timer ??= startDeadline({ milliseconds: Infinity, reason: () => undefined });
    this.#timer.limit(this.#options.probeAfter, () => this.#look());
  }

  /** It is read again, which tells. */
  goesOn(): void {
    this.#waits = false;
  }

  #look(): undefined {
    this.#runs = this.#waits;
    const { written } = this.#target;
    if (!this.#waits) this.#timer?.limit(Infinity, () => undefined);
    else if (written !== this.#written) this.#written = written;
    else if (this.#failure !== undefined) this.#options.lost(this.#failure.error);
    else probe(this.#client).catch(this.#options.lost);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }
}

/** What a {@linkcode Watch} is told. */
export interface WatchOptions {
  /** Time between two looks. */
  readonly probeAfter: number;
  /** Told of what the client is gone with. */
  readonly lost: (error: unknown) => void;
}
