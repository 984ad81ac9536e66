/**
 * Clock and randomness, injected everywhere and read in this file only, so that a test can hold both still.
 *
 * @module
 */

/** What the protocol code needs from the machine it runs on. */
export interface Runtime {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  now(): number;
  /** `length` octets from a cryptographically strong generator. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
}

/** The machine's own clock and generator. */
export const systemRuntime: Runtime = {
  now: (): number => Date.now(),
  randomBytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    // One call gives 65,536 octets at most (Web Cryptography API, section 10.1.1).
    for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    return bytes;
  },
};
