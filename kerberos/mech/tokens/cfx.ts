/**
 * Headers of MIC and Wrap tokens and the rotation of Wrap tokens (RFC 4121 section 4.2). Keys are in
 * `../context.ts`.
 *
 * @module
 */
import { type Bytes, concat } from "../../../base/bytes.ts";
import { defective } from "./errors.ts";

/** Header of a MIC token (RFC 4121 section 4.2.6.1). */
export interface MicHeader {
  /** {@linkcode Flag}s. */
  readonly flags: number;
  /** Both words of the token's number. */
  readonly high: number;
  readonly low: number;
}

/** Header of a Wrap token (RFC 4121 section 4.2.6.2). */
export interface WrapHeader extends MicHeader {
  /** Extra count: filler bytes of a sealed token, length of the checksum of an unsealed one. */
  readonly ec: number;
  /** Right rotation count. */
  readonly rrc: number;
}

/** Bytes of a header. */
export const HEADER_LENGTH = 16;

/** Flags of the third byte (RFC 4121 section 4.2.2). */
export const Flag = { SentByAcceptor: 1, Sealed: 2, AcceptorSubkey: 4 } as const;

const WRAP = 0x05;
const MIC = 0x04;

// Byte by byte: a view of a token takes longer than all of its header.
function putWord(to: Bytes, at: number, word: number): void {
  to[at] = word >>> 24;
  to[at + 1] = word >>> 16;
  to[at + 2] = word >>> 8;
  to[at + 3] = word;
}

function wordOf(from: Uint8Array, at: number): number {
  return (from[at]! << 24 | from[at + 1]! << 16 | from[at + 2]! << 8 | from[at + 3]!) >>> 0;
}

/**
 * Writes the header of a Wrap token (RFC 4121 section 4.2.6.2), with another EC where one is given. What a signature covers is the header
 * as it came, unknown flags and all, with EC and RRC zero (section 4.2.4).
 */
export function putWrapHeader(to: Bytes, at: number, header: WrapHeader, ec: number = header.ec): void {
  if (at < 0 || at + HEADER_LENGTH > to.length) throw new RangeError("Cannot wrap: the memory of the token is gone");
  putWord(to, at, WRAP << 24 | 0x04 << 16 | header.flags << 8 | 0xff);
  putWord(to, at + 4, ec << 16 | header.rrc);
  putWord(to, at + 8, header.high);
  putWord(to, at + 12, header.low);
}

/** Writes the header of a MIC token (RFC 4121 section 4.2.6.1). */
export function putMicHeader(to: Bytes, at: number, { flags, high, low }: MicHeader): void {
  putWord(to, at, MIC << 24 | 0x04 << 16 | flags << 8 | 0xff);
  putWord(to, at + 4, 0xffffffff);
  putWord(to, at + 8, high);
  putWord(to, at + 12, low);
}

/** Reads the header of a Wrap token; what follows it is `token.subarray(16)`. */
export function decodeWrapHeader(token: Uint8Array): WrapHeader {
  checkKind(token, WRAP);
  if (token[3] !== 0xff) throw defective("Cannot read Wrap token: filler byte is not 0xff");
  const counts = wordOf(token, 4);
  return { flags: token[2]!, ec: counts >>> 16, rrc: counts & 0xffff, high: wordOf(token, 8), low: wordOf(token, 12) };
}

/** Reads the header of a MIC token; the checksum is `token.subarray(16)`. */
export function decodeMicHeader(token: Uint8Array): MicHeader {
  checkKind(token, MIC);
  for (let i = 3; i < 8; i++) {
    if (token[i] !== 0xff) throw defective("Cannot read MIC token: filler bytes are not 0xff");
  }
  // Section 4.2.2: the flag "Sealed" SHALL NOT be set in MIC tokens; unknown flags are ignored, and covered as they came.
  const flags = token[2]!;
  if ((flags & Flag.Sealed) !== 0) throw defective("Cannot read MIC token: it is marked as sealed");
  return { flags, high: wordOf(token, 8), low: wordOf(token, 12) };
}

function checkKind(token: Uint8Array, kind: number): void {
  const name = kind === WRAP ? "Wrap" : "MIC";
  if (token.length < HEADER_LENGTH) throw defective(`Cannot read ${name} token: ${token.length} bytes`);
  if (token[0] !== kind || token[1] !== 0x04) {
    throw defective(`Cannot read ${name} token: identifier 0x${(token[0]! << 8 | token[1]!).toString(16)}`);
  }
}

/**
 * Whether the header that was sealed, at the end of a message, is the one in front of the token, in every field but RRC, which is zero
 * in the sealed copy and not covered (RFC 4121 section 4.2.4).
 */
export function endsWithHeader(plain: Uint8Array, token: Uint8Array): boolean {
  const start = plain.length - HEADER_LENGTH;
  for (let i = 0; i < HEADER_LENGTH; i++) {
    if (plain[start + i] !== (i === 6 || i === 7 ? 0 : token[i])) return false;
  }
  return true;
}

/** Undoes the right rotation of what follows the header, by any count (RFC 4121 section 4.2.5). Leaves the input as it is. */
export function unrotated(token: Bytes, count: number): Bytes {
  const length = token.length - HEADER_LENGTH;
  const by = length === 0 ? 0 : count % length;
  if (by === 0) return token;
  const start = HEADER_LENGTH + by;
  return concat(token.subarray(0, HEADER_LENGTH), token.subarray(start), token.subarray(HEADER_LENGTH, start));
}
