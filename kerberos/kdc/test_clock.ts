/**
 * A clock that tests move.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";

/**
 * A clock that tests move, with the randomness of another runtime. Give it to all who take part: tickets expire, and authenticators grow
 * old, without waiting.
 *
 * @example A ticket that expires
 * ```ts
 * import { systemTickets } from "@gssocks/gssocks";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret" } });
 * const tickets = systemTickets({ config: kdc.config, runtime: kdc.clock, principal: "alice", password: "secret" });
 * const first = await tickets.initialTicket();
 * kdc.clock.advance(11 * 3_600_000);
 * const second = await tickets.initialTicket();
 * if (second.credential.endtime <= first.credential.endtime) throw new Error("an expired ticket was used");
 * ```
 */
export class TestClock implements Runtime {
  readonly #runtime: Runtime;
  #offset = 0;

  /**
   * Creates a clock.
   *
   * @param runtime The clock that goes on beneath, and randomness.
   */
  constructor(runtime: Runtime = systemRuntime) {
    this.#runtime = runtime;
  }

  /** Moves the clock ahead, or back by a negative number of milliseconds. */
  advance(milliseconds: number): void {
    if (!Number.isFinite(milliseconds)) throw new TypeError(`Cannot move the clock by ${milliseconds} milliseconds`);
    this.#offset += milliseconds;
  }

  /** Returns the time in milliseconds since the Unix epoch. */
  now(): number {
    return this.#runtime.now() + this.#offset;
  }

  /** Fills `target` with random bytes. */
  fillRandom(target: Bytes): void {
    this.#runtime.fillRandom(target);
  }
}
