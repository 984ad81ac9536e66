/**
 * Framing of the first context token: `[APPLICATION 0] { OID, inner token }` (RFC 2743 section 3.1). Kerberos frames all
 * its context tokens this way.
 *
 * @module
 */
import { Asn1Error, oidBytes, oidText } from "../asn1/codec.ts";
import { FieldPath } from "../asn1/path.ts";
import type { ReadOptions } from "../asn1/element.ts";
import { lengthSize, readLength, writeLength } from "../asn1/length.ts";
import { type Bytes, sameBytes } from "../base/bytes.ts";

/** Parts of a framed token. */
export interface InitialToken {
  /** Mechanism, as a dotted object identifier. */
  readonly mechanism: string;
  /** Token of the mechanism. */
  readonly inner: Bytes;
}

/** Options of reading a frame. */
type FrameOptions = Pick<ReadOptions, "longLengths">;

/** First bytes of the frame and of the object identifier in it. */
const [FRAME, IDENTIFIER] = [0x60, 0x06];

const PATH = "InitialContextToken";

/** Returns `inner` in a frame that names `mechanism`. */
export function encodeInitialToken(mechanism: string, inner: Uint8Array): Bytes {
  const oid = written.get(mechanism) ?? oidBytes(mechanism);
  if (written.size < 8) written.set(mechanism, oid);
  const length = 1 + lengthSize(oid.length) + oid.length + inner.length;
  const token = new Uint8Array(1 + lengthSize(length) + length);
  token[0] = FRAME;
  let at = writeLength(token, 1, length);
  token[at] = IDENTIFIER;
  at = writeLength(token, at + 1, oid.length);
  token.set(oid, at);
  token.set(inner, at + oid.length);
  return token;
}

/** Identifiers of the mechanisms that tokens were written for: few, and nearly all that are read. */
const written = new Map<string, Bytes>();

function mechanismOf(identifier: Bytes): string {
  for (const [mechanism, oid] of written) if (sameBytes(oid, identifier)) return mechanism;
  return oidText(identifier, new FieldPath(PATH));
}

/**
 * Splits a framed token.
 *
 * @throws {Asn1Error} When the bytes are not exactly one framed token.
 */
export function decodeInitialToken(token: Uint8Array, options: FrameOptions = {}): InitialToken {
  const { end, identifier, inner } = readFrame(token, options);
  if (end !== token.length) throw new Asn1Error(PATH, "length does not fit the token");
  return { mechanism: mechanismOf(identifier), inner };
}

/** Returns the bytes of the mechanism's identifier, or `undefined` if the token names no mechanism. Reads no further. */
export function namedMechanism(token: Uint8Array, options: FrameOptions = {}): Bytes | undefined {
  try {
    return readFrame(token, options).identifier;
  } catch (error) {
    if (error instanceof Asn1Error) return undefined;
    throw error;
  }
}

/** Frame of a token: where it ends by its own length, and what is in it. */
interface Frame {
  readonly end: number;
  readonly identifier: Bytes;
  readonly inner: Bytes;
}

function readFrame(token: Uint8Array, { longLengths = false }: FrameOptions): Frame {
  if (token[0] !== FRAME) throw new Asn1Error(PATH, "tag 0x60 wanted");
  const frame = readLength(token, 1, longLengths);
  if (frame === undefined) throw new Asn1Error(PATH, "length is not in DER form");
  if (token[frame.body] !== IDENTIFIER) throw new Asn1Error(PATH, "mechanism identifier wanted");
  const oid = readLength(token, frame.body + 1, longLengths);
  if (oid === undefined) throw new Asn1Error(PATH, "length is not in DER form");
  const inner = oid.body + oid.length;
  if (inner > token.length) throw new Asn1Error(PATH, "cut short");
  return {
    end: frame.body + frame.length,
    identifier: token.subarray(oid.body, inner) as Bytes,
    inner: token.subarray(inner) as Bytes,
  };
}
