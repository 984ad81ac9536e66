/**
 * Lengths of DER encodings (X.690 sections 8.1.3 and 10.1).
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";

/** A length that was read. */
export interface ReadLength {
  /** Bytes of the contents. */
  readonly length: number;
  /** Where the contents start. */
  readonly body: number;
}

/**
 * Reads the length at `at`. Whether the contents are there is left to the caller.
 *
 * @param longLengths Whether a length may take more bytes than it needs, as in `84 00 00 00 2c`.
 * @returns `undefined` if the length is cut short, indefinite, of more than four bytes, or longer than it needs to be.
 */
export function readLength(bytes: Uint8Array, at: number, longLengths: boolean): ReadLength | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { length: first, body: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || bytes.length - at <= count) return undefined;
  let length = 0;
  for (let i = 1; i <= count; i++) length = length * 256 + bytes[at + i]!;
  const shortest = length >= 0x80 && bytes[at + 1] !== 0;
  if (!shortest && !longLengths) return undefined;
  return { length, body: at + 1 + count };
}

/** Number of bytes that a length takes in its shortest form. */
export function lengthSize(length: number): number {
  return length < 0x80 ? 1 : 1 + Math.ceil((32 - Math.clz32(length)) / 8);
}

/** Writes a length at `at`, in its shortest form; returns where the contents start. */
export function writeLength(out: Uint8Array, at: number, length: number): number {
  const more = lengthSize(length) - 1;
  out[at] = more === 0 ? length : 0x80 | more;
  for (let i = 0; i < more; i++) out[at + more - i] = length >>> (8 * i);
  return at + 1 + more;
}

/** The bytes of a length in its shortest form. */
export function lengthBytes(length: number): Bytes {
  const bytes = new Uint8Array(lengthSize(length));
  writeLength(bytes, 0, length);
  return bytes;
}
