/**
 * Confounders, taken from the system's generator many at a time: a call of it takes longer than sealing a short message.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { randomBytes, type Runtime, systemRuntime } from "../../../base/runtime.ts";

const LENGTH = 16;
const POOL: Bytes = new Uint8Array(64 * LENGTH);
/** What lies before has been taken, and is wiped. */
let taken = POOL.length;

/** Writes a confounder that was never given before. A runtime other than the system's is asked each time. */
export function takeConfounder(to: Bytes, at: number, runtime: Runtime): void {
  if (runtime !== systemRuntime) return to.set(randomBytes(LENGTH, runtime), at);
  if (taken === POOL.length) {
    systemRuntime.fillRandom(POOL);
    taken = 0;
  }
  for (let i = 0; i < LENGTH; i++) {
    to[at + i] = POOL[taken + i]!;
    POOL[taken + i] = 0;
  }
  taken += LENGTH;
}
