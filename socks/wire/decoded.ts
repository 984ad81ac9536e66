/**
 * What all decoders of messages share.
 *
 * @module
 */
import { SocksProtocolError } from "../errors.ts";

/** A decoded value. */
export interface Decoded<T> {
  readonly value: T;
  /** Bytes that it took. */
  readonly length: number;
}

/**
 * Checks the first byte of a message, if it is there.
 *
 * @throws {SocksProtocolError} `BAD_VERSION`
 */
export function checkVersion(version: number | undefined, expected: number, what = "message"): void {
  if (version !== undefined && version !== expected) {
    throw new SocksProtocolError("BAD_VERSION", `Cannot read ${what}: its version is ${version}, not ${expected}`);
  }
}
