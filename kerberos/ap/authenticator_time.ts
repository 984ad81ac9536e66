/**
 * Time for authenticators.
 *
 * @module
 */
import { randomBytes, type Runtime } from "../../base/runtime.ts";
import { LATEST_TIME } from "../messages/time.ts";

/** The last time that was given out, in microseconds, by the clock that it was read from. */
const given = new WeakMap<Runtime, number>();

/** A clock that is so far behind what was given out has been set back, in microseconds. */
const SET_BACK = 1_000_000;

/**
 * The present time with microseconds, `offset` milliseconds ahead, never the same twice for one clock: acceptors may tell
 * replays by nothing but time and client (RFC 4120 section 3.2.3). Clocks read milliseconds; where in one of them is left to
 * chance, so that two processes of one client do not meet.
 */
export function authenticatorTime(runtime: Runtime, offset = 0): { readonly time: number; readonly usec: number } {
  const chance = new DataView(randomBytes(2, runtime).buffer).getUint16(0) % 1_000;
  const present = Math.floor(runtime.now() * 1_000) + chance;
  const last = given.get(runtime);
  const now = last === undefined || present < last - SET_BACK ? present : Math.max(present, last + 1);
  given.set(runtime, now);
  // A KDC may tell any time, and no message carries one beyond the latest.
  const shifted = Math.min(now + Math.round(offset * 1_000), LATEST_TIME * 1_000);
  const usec = ((shifted % 1_000_000) + 1_000_000) % 1_000_000;
  return { time: (shifted - usec) / 1_000, usec };
}
