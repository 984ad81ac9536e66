/**
 * Framing of the first context token: `[APPLICATION 0] { OID, inner token }` (RFC 2743 section 3.1). Kerberos frames all
 * its context tokens this way.
 *
 * @module
 */
import { Asn1Error, oidBytes, oidText } from "../asn1/codec.ts";
import { ByteReader, type Bytes, concat } from "../base/bytes.ts";
import type { ReadOptions } from "../asn1/element.ts";

/** A framed token taken apart. */
export interface InitialToken {
  /** Mechanism, as a dotted object identifier. */
  readonly mechanism: string;
  /** What the mechanism put into it. */
  readonly inner: Bytes;
}

/** Frames `inner` for `mechanism`. */
export function encodeInitialToken(mechanism: string, inner: Uint8Array): Bytes {
  const oid = oidBytes(mechanism);
  const body = concat(Uint8Array.of(0x06, oid.length), oid, inner);
  return concat(Uint8Array.of(0x60), lengthBytes(body.length), body);
}

/** How strictly a framed token is read. */
type FrameOptions = Pick<ReadOptions, "longLengths">;

const PATH = "InitialContextToken";

/**
 * Takes a framed token apart.
 *
 * @throws {Asn1Error} When the bytes are not exactly one.
 */
export function decodeInitialToken(token: Uint8Array, options: FrameOptions = {}): InitialToken {
  const reader = new ByteReader(token);
  try {
    if (reader.u8() !== 0x60) throw new Asn1Error(PATH, "tag 0x60 wanted");
    if (readLength(reader, options) !== reader.remaining) throw new Asn1Error(PATH, "length does not fit the token");
    const mechanism = oidText(readMechanism(reader, options), PATH);
    return { mechanism, inner: reader.rest() };
  } catch (error) {
    if (error instanceof RangeError) throw new Asn1Error(PATH, "cut short", { cause: error });
    throw error;
  }
}

/** Bytes of the mechanism's identifier, without looking further; `undefined` where the token names none. */
export function namedMechanism(token: Uint8Array, options: FrameOptions = {}): Bytes | undefined {
  const reader = new ByteReader(token);
  try {
    if (reader.u8() !== 0x60) return undefined;
    readLength(reader, options);
    return readMechanism(reader, options);
  } catch (error) {
    if (error instanceof Asn1Error || error instanceof RangeError) return undefined;
    throw error;
  }
}

function readMechanism(reader: ByteReader, options: FrameOptions): Bytes {
  if (reader.u8() !== 0x06) throw new Asn1Error(PATH, "mechanism identifier wanted");
  return reader.take(readLength(reader, options));
}

function lengthBytes(length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

function readLength(reader: ByteReader, { longLengths = false }: FrameOptions): number {
  const first = reader.u8();
  if (first < 0x80) return first;
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new Asn1Error(PATH, "length is not in DER form");
  const bytes = reader.take(count);
  const length = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const shortest = bytes[0] !== 0 && length >= 0x80;
  if (!shortest && !longLengths) throw new Asn1Error(PATH, "length is not in DER form");
  return length;
}
