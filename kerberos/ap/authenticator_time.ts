/**
 * Times for authenticators, each different (RFC 4120 section 3.2.3).
 *
 * @module
 */
import { randomBytes, type Runtime } from "../../base/runtime.ts";
import { LATEST_TIME } from "../messages/time.ts";

/** The last time that was returned for each clock, in microseconds. */
const lastTimes = new WeakMap<Runtime, number>();

/** A clock that is this far behind the last time has been set back, in microseconds. */
const SET_BACK = 1_000_000;

/**
 * Returns the present time with microseconds, plus `offset` milliseconds, never the same twice for one clock: acceptors may
 * recognize replays by time and client alone (RFC 4120 section 3.2.3). Clocks have milliseconds; the microseconds within are
 * random, so that two processes of one client do not send the same time.
 */
export function authenticatorTime(runtime: Runtime, offset = 0): { readonly time: number; readonly usec: number } {
  const within = new DataView(randomBytes(2, runtime).buffer).getUint16(0) % 1_000;
  const present = Math.floor(runtime.now() * 1_000) + within;
  const last = lastTimes.get(runtime);
  const now = last === undefined || present < last - SET_BACK ? present : Math.max(present, last + 1);
  lastTimes.set(runtime, now);
  // The offset comes from a KDC and may be anything; messages cannot carry a later time.
  const shifted = Math.min(now + Math.round(offset * 1_000), LATEST_TIME * 1_000);
  const usec = ((shifted % 1_000_000) + 1_000_000) % 1_000_000;
  return { time: (shifted - usec) / 1_000, usec };
}
