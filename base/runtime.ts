/**
 * Clock and randomness, injected everywhere and read in this file only, so that a test can hold both still.
 *
 * @module
 */
import type { Bytes } from "./bytes.ts";

/** What the protocol code needs from the machine it runs on. */
export interface Runtime {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  now(): number;
  /** Fills `target` from a cryptographically strong generator. */
  fillRandom(target: Bytes): void;
}

/** The machine's own clock and generator. */
export const systemRuntime: Runtime = {
  now: (): number => Date.now(),
  fillRandom(target: Bytes): void {
    // One call gives 65,536 bytes at most (Web Cryptography API, section 10.1.1).
    for (let at = 0; at < target.length; at += 65_536) crypto.getRandomValues(target.subarray(at, at + 65_536));
  },
};

/**
 * Milliseconds since some time in the past, for how long something takes or took: nobody sets this clock, and it never goes
 * back. Wall-clock time is for what others are told, and for Kerberos.
 */
export function monotonicNow(): number {
  return performance.now();
}

/** `length` fresh random bytes. */
export function randomBytes(length: number, runtime: Runtime = systemRuntime): Bytes {
  const bytes = new Uint8Array(length);
  runtime.fillRandom(bytes);
  return bytes;
}

/** A fresh random number from 0 to 2^32 - 1. */
export function randomUint32(runtime: Runtime): number {
  return new DataView(randomBytes(4, runtime).buffer).getUint32(0);
}
