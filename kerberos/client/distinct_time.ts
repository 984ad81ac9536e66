/**
 * Times for authenticators, no two the same: acceptors take the second of two for a replay (RFC 4120 section 3.2.3).
 *
 * @module
 */
import type { Runtime } from "../../gss/runtime.ts";

const LAST = new WeakMap<Runtime, number>();

/** The time now in whole seconds (as milliseconds) and microseconds, later than any told for this clock before. */
export function distinctTime(runtime: Runtime, offset = 0): { readonly time: number; readonly usec: number } {
  const now = Math.floor((runtime.now() + offset) * 1000);
  const last = LAST.get(runtime);
  // A clock that was set back, or one with another offset, must not be held back by what was told before.
  const told = last !== undefined && now <= last && last - now < 1_000_000 ? last + 1 : now;
  LAST.set(runtime, told);
  const usec = told % 1_000_000;
  return { time: (told - usec) / 1000, usec };
}
