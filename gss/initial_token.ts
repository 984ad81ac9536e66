/**
 * Framing of the first context token: `[APPLICATION 0] { OID, inner token }` (RFC 2743 section 3.1). Kerberos frames all
 * its context tokens this way.
 *
 * @module
 */
import { Asn1Error, oidBytes, oidText } from "./asn1.ts";
import { ByteReader, type Bytes, concat } from "./bytes.ts";

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
  return concat(Uint8Array.of(0x60), lengthOctets(body.length), body);
}

/**
 * Takes a framed token apart.
 *
 * @throws {Asn1Error} When the octets are not exactly one.
 */
export function decodeInitialToken(token: Uint8Array): InitialToken {
  const path = "InitialContextToken";
  const reader = new ByteReader(token);
  try {
    if (reader.u8() !== 0x60) throw new Asn1Error(path, "tag 0x60 wanted");
    if (readLength(reader, path) !== reader.remaining) throw new Asn1Error(path, "length does not fit the token");
    if (reader.u8() !== 0x06) throw new Asn1Error(path, "mechanism identifier wanted");
    const mechanism = oidText(reader.take(readLength(reader, path)), path);
    return { mechanism, inner: reader.rest() };
  } catch (error) {
    if (error instanceof RangeError) throw new Asn1Error(path, "cut short", { cause: error });
    throw error;
  }
}

function lengthOctets(length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Uint8Array.of(0x80 | octets.length, ...octets);
}

function readLength(reader: ByteReader, path: string): number {
  const first = reader.u8();
  if (first < 0x80) return first;
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new Asn1Error(path, "length is not in DER form");
  const octets = reader.take(count);
  const length = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  if (octets[0] === 0 || length < 0x80) throw new Asn1Error(path, "length is not in DER form");
  return length;
}
