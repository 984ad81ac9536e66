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
  /** Whether the acceptor sent the token. */
  readonly sentByAcceptor: boolean;
  /** Whether the token is under the acceptor's subkey. */
  readonly acceptorSubkey: boolean;
  /** Number of the token, 64 bits. */
  readonly sequence: bigint;
}

/** Header of a Wrap token (RFC 4121 section 4.2.6.2). */
export interface WrapHeader extends MicHeader {
  /** Whether the message is encrypted. */
  readonly sealed: boolean;
  /** Extra count: filler bytes of a sealed token, length of the checksum of an unsealed one. */
  readonly ec: number;
  /** Right rotation count. */
  readonly rrc: number;
}

/** Bytes of a header. */
export const HEADER_LENGTH = 16;

const WRAP = 0x0504;
const MIC = 0x0404;

/** Flags of the third byte (RFC 4121 section 4.2.2). */
const Flag = { SentByAcceptor: 1, Sealed: 2, AcceptorSubkey: 4 } as const;

function flagsOf(header: MicHeader): number {
  return (header.sentByAcceptor ? Flag.SentByAcceptor : 0) | (header.acceptorSubkey ? Flag.AcceptorSubkey : 0);
}

/** Encodes the header of a Wrap token (RFC 4121 section 4.2.6.2). */
export function encodeWrapHeader(header: WrapHeader): Bytes {
  const out = new Uint8Array(HEADER_LENGTH);
  const view = new DataView(out.buffer);
  view.setUint16(0, WRAP);
  view.setUint8(2, flagsOf(header) | (header.sealed ? Flag.Sealed : 0));
  view.setUint8(3, 0xff);
  view.setUint16(4, header.ec);
  view.setUint16(6, header.rrc);
  view.setBigUint64(8, header.sequence);
  return out;
}

/** Encodes the header of a MIC token (RFC 4121 section 4.2.6.1). */
export function encodeMicHeader(header: MicHeader): Bytes {
  const out = new Uint8Array(HEADER_LENGTH).fill(0xff);
  const view = new DataView(out.buffer);
  view.setUint16(0, MIC);
  view.setUint8(2, flagsOf(header));
  view.setBigUint64(8, header.sequence);
  return out;
}

/** Reads the header of a Wrap token; what follows it is `token.subarray(16)`. */
export function decodeWrapHeader(token: Uint8Array): WrapHeader {
  const { view, header, flags } = decodeHeader(token, WRAP);
  if (token[3] !== 0xff) throw defective("Cannot read Wrap token: filler byte is not 0xff");
  return { ...header, sealed: (flags & Flag.Sealed) !== 0, ec: view.getUint16(4), rrc: view.getUint16(6) };
}

/** Reads the header of a MIC token; the checksum is `token.subarray(16)`. */
export function decodeMicHeader(token: Uint8Array): MicHeader {
  const { header, flags } = decodeHeader(token, MIC);
  for (let i = 3; i < 8; i++) {
    if (token[i] !== 0xff) throw defective("Cannot read MIC token: filler bytes are not 0xff");
  }
  // Section 4.2.2: the flag "Sealed" SHALL NOT be set in MIC tokens.
  if ((flags & Flag.Sealed) !== 0) throw defective("Cannot read MIC token: it is marked as sealed");
  return header;
}

/** Reads the fields that the headers of both kinds of token share. */
function decodeHeader(token: Uint8Array, id: number): { view: DataView; header: MicHeader; flags: number } {
  const name = id === WRAP ? "Wrap" : "MIC";
  if (token.length < HEADER_LENGTH) throw defective(`Cannot read ${name} token: ${token.length} bytes`);
  const view = new DataView(token.buffer, token.byteOffset, HEADER_LENGTH);
  if (view.getUint16(0) !== id) {
    throw defective(`Cannot read ${name} token: identifier 0x${view.getUint16(0).toString(16)}`);
  }
  // Section 4.2.2: unknown flags are ignored; the signature or the seal covers them as they came.
  const flags = view.getUint8(2);
  const header = {
    sentByAcceptor: (flags & Flag.SentByAcceptor) !== 0,
    acceptorSubkey: (flags & Flag.AcceptorSubkey) !== 0,
    sequence: view.getBigUint64(8),
  };
  return { view, header, flags };
}

/**
 * Whether the header that was sealed is the one in front of the token, in every field but RRC, which is zero in the sealed
 * copy and not covered (RFC 4121 section 4.2.4).
 */
export function isSealedHeader(sealed: Uint8Array, token: Uint8Array): boolean {
  for (let i = 0; i < HEADER_LENGTH; i++) {
    if (sealed[i] !== (i === 6 || i === 7 ? 0 : token[i])) return false;
  }
  return true;
}

/** The header of a signed Wrap token as the signature covers it: as it came, with EC and RRC zero (RFC 4121 section 4.2.4). */
export function signedHeader(token: Uint8Array): Bytes {
  return new Uint8Array(token.subarray(0, HEADER_LENGTH)).fill(0, 4, 8);
}

/** Undoes the right rotation of what follows the header, by any count (RFC 4121 section 4.2.5). Leaves the input as it is. */
export function rotateLeft(data: Bytes, count: number): Bytes {
  const by = data.length === 0 ? 0 : count % data.length;
  return by === 0 ? data : concat(data.subarray(by), data.subarray(0, by));
}
