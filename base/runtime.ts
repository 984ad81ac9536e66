/**
 * Clock and randomness. Other files take them as a parameter, so that a test can control both.
 *
 * @module
 */
import type { Bytes } from "./bytes.ts";

/** What the protocol code needs from the platform. */
export interface Runtime {
  /** Returns the wall-clock time in milliseconds since the Unix epoch. */
  now(): number;
  /** Fills `target` with bytes of a cryptographically strong generator. */
  fillRandom(target: Bytes): void;
}

/** The platform's clock and generator. */
export const systemRuntime: Runtime = {
  now: (): number => Date.now(),
  fillRandom(target: Bytes): void {
    // One call returns at most 65,536 bytes (Web Cryptography API, section 10.1.1).
    for (let at = 0; at < target.length; at += 65_536) crypto.getRandomValues(target.subarray(at, at + 65_536));
  },
};

/**
 * Returns milliseconds since some time in the past, for measuring how long something takes: this clock is never set, and never
 * goes back. The wall clock is for times that other parties see, and for Kerberos.
 */
export function monotonicNow(): number {
  return performance.now();
}

/** Returns `length` random bytes. */
export function randomBytes(length: number, runtime: Runtime = systemRuntime): Bytes {
  const bytes = new Uint8Array(length);
  runtime.fillRandom(bytes);
  return bytes;
}

/** Returns a random number from 0 to 2^32 - 1. */
export function randomUint32(runtime: Runtime): number {
  return new DataView(randomBytes(4, runtime).buffer).getUint32(0);
}
