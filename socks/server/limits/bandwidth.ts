/**
 * Limits on the bytes that sessions and users transfer in a second.
 *
 * @module
 */
import { type Ender, pause } from "../../../base/deadline.ts";
import { Rate } from "../../../base/rate.ts";

/** Delays bytes: returns a promise to await before `length` bytes are forwarded, or `undefined`. */
export type Gate = (length: number) => Promise<void> | undefined;

/** The limits on the bytes of one session. */
export interface Bandwidth {
  /** Delays the bytes of a relay; `undefined` where there is no limit. */
  readonly gate: Gate | undefined;
  /** Whether a datagram of `length` bytes may pass now. */
  readonly admit: (length: number) => boolean;
}

/** One for all sessions without a limit. */
const UNLIMITED: Bandwidth = { gate: undefined, admit: () => true };

/**
 * Returns the limits of a session whose bytes count for all of the rates.
 *
 * @param over Ends the delays.
 */
export function bandwidthOf(rates: readonly Rate[], over: Ender): Bandwidth {
  if (rates.length === 0) return UNLIMITED;
  return {
    gate: gateFor(rates, over),
    admit: (length) => rates.every((rate) => rate.tryTake(length)),
  };
}

/** Delays a relay by the slowest of the rates. */
function gateFor(rates: readonly Rate[], over: Ender): Gate {
  return (length) => {
    const milliseconds = Math.max(...rates.map((rate) => rate.take(length)));
    return milliseconds < 1 ? undefined : pause(milliseconds, over);
  };
}

/** The rates of users that have sessions. */
export class UserRates {
  readonly #rates = new Map<string, { readonly rate: Rate; sessions: number }>();

  /** Returns the rate that all sessions of a user share; `perSecond` counts for all of them from now on. */
  enter(user: string, perSecond: number, now: () => number): Rate {
    let entry = this.#rates.get(user);
    if (entry === undefined) this.#rates.set(user, entry = { rate: new Rate(perSecond, now), sessions: 0 });
    else entry.rate.change(perSecond);
    entry.sessions++;
    return entry.rate;
  }

  /** Forgets the rate with the user's last session. */
  leave(user: string): void {
    const entry = this.#rates.get(user);
    if (entry !== undefined && --entry.sessions === 0) this.#rates.delete(user);
  }
}
