/**
 * Layout of the Kerberos mechanism's tokens: context tokens (RFC 4121 section 4.1), the authenticator's checksum (section
 * 4.1.1), and the per-message headers with their rotation (section 4.2). Pure bytes; keys are in `context.ts`.
 *
 * @module
 */
import { Asn1Error } from "../../../asn1/codec.ts";
import { ByteReader, type Bytes, ByteWriter, concat } from "../../../base/bytes.ts";
import { decodeInitialToken, encodeInitialToken } from "../../../gss/initial_token.ts";
import type { GssFlags } from "../../../gss/mechanism.ts";
import { GssError } from "../../../gss/status.ts";
import { ErrorCode } from "../../registry/errors.ts";

/** Kerberos V5 (RFC 4121 section 1). */
export const KERBEROS_OID = "1.2.840.113554.1.2.2";

/** Kind of a context token (RFC 4121 section 4.1). */
export type ContextTokenId = "AP-REQ" | "AP-REP" | "KRB-ERROR";

const CONTEXT_TOKENS: Readonly<Record<ContextTokenId, number>> = {
  "AP-REQ": 0x0100,
  "AP-REP": 0x0200,
  "KRB-ERROR": 0x0300,
};

/** Puts a Kerberos message into a context token. */
export function encodeContextToken(id: ContextTokenId, message: Uint8Array): Bytes {
  return encodeInitialToken(KERBEROS_OID, new ByteWriter().u16(CONTEXT_TOKENS[id]).bytes(message).finish());
}

/**
 * Takes a context token apart.
 *
 * @throws {GssError} `BAD_MECH` for another mechanism, `DEFECTIVE_TOKEN` for anything else that does not fit, with the code
 * `KRB_AP_ERR_MSG_TYPE` where it is of a kind that is not known.
 */
export function decodeContextToken(token: Uint8Array): { id: ContextTokenId; message: Bytes } {
  let framed;
  try {
    framed = decodeInitialToken(token);
  } catch (cause) {
    if (cause instanceof Asn1Error) throw defective(cause.message, cause);
    throw cause;
  }
  if (framed.mechanism !== KERBEROS_OID) {
    throw new GssError(`Cannot use token: it is for mechanism ${framed.mechanism}, ${KERBEROS_OID} is wanted`, {
      major: "BAD_MECH",
      code: "BAD_MECH",
    });
  }
  if (framed.inner.length < 2) throw defective("Cannot read token: it is empty");
  const number = new ByteReader(framed.inner).u16();
  for (const id of Object.keys(CONTEXT_TOKENS) as ContextTokenId[]) {
    if (CONTEXT_TOKENS[id] === number) return { id, message: framed.inner.subarray(2) };
  }
  throw unexpectedMessage(`Cannot use token: identifier 0x${number.toString(16).padStart(4, "0")} is not known`);
}

/**
 * The error for a token of another kind than is wanted; the peer is told KRB_AP_ERR_MSG_TYPE (section 4.1). The RFC has the
 * context go on then (`GSS_S_CONTINUE_NEEDED`); here it ends, as with every other error.
 */
export function unexpectedMessage(message: string): GssError {
  const code = "KRB_AP_ERR_MSG_TYPE";
  return new GssError(message, { major: "DEFECTIVE_TOKEN", code, minor: ErrorCode[code] });
}

/** The error for bytes that are not a token. */
export function defective(message: string, cause?: unknown): GssError {
  return new GssError(message, { major: "DEFECTIVE_TOKEN", code: "DEFECTIVE_TOKEN", cause });
}

/** Type of the checksum that carries flags and bindings instead of a sum (RFC 4121 section 4.1.1). */
export const GSS_CHECKSUM_TYPE = 0x8003;

const FLAG_BITS: readonly (readonly [keyof GssFlags, number])[] = [
  ["delegation", 1],
  ["mutual", 2],
  ["replay", 4],
  ["sequence", 8],
  ["confidentiality", 16],
  ["integrity", 32],
];

/** What an initiator says in the authenticator's checksum. */
export interface AuthenticatorChecksum {
  /** Services asked for. */
  readonly flags: Required<GssFlags>;
  /** MD5 over the channel bindings, all zero for none. */
  readonly bindings: Bytes;
  /** KRB-CRED with delegated tickets. */
  readonly delegation?: Bytes | undefined;
}

/** RFC 4121 section 4.1.1, numbers little-endian. */
export function encodeAuthenticatorChecksum(value: AuthenticatorChecksum): Bytes {
  const flags = FLAG_BITS.reduce((sum, [name, bit]) => sum | (value.flags[name] ? bit : 0), 0);
  const out = new ByteWriter().u32(16, true).bytes(value.bindings).u32(flags, true);
  if (value.delegation !== undefined) out.u16(1, true).u16(value.delegation.length, true).bytes(value.delegation);
  return out.finish();
}

/** Reads what {@linkcode encodeAuthenticatorChecksum} writes; extensions behind it are passed over. */
export function decodeAuthenticatorChecksum(bytes: Uint8Array): AuthenticatorChecksum {
  try {
    const reader = new ByteReader(bytes);
    const length = reader.u32(true);
    if (length !== 16) throw new RangeError(`bindings of ${length} bytes`);
    const bindings = reader.take(16);
    const bits = reader.u32(true);
    const flags = Object.fromEntries(FLAG_BITS.map(([name, bit]) => [name, (bits & bit) !== 0])) as Required<GssFlags>;
    if (!flags.delegation) return { flags, bindings };
    const option = reader.u16(true);
    if (option !== 1) throw new RangeError(`delegation option ${option}`);
    return { flags, bindings, delegation: reader.take(reader.u16(true)) };
  } catch (cause) {
    if (cause instanceof RangeError) throw defective(`Cannot read authenticator checksum: ${cause.message}`, cause);
    throw cause;
  }
}

/** Header of a per-message token (RFC 4121 section 4.2.6). */
export interface MessageHeader {
  readonly sentByAcceptor: boolean;
  readonly sealed: boolean;
  readonly acceptorSubkey: boolean;
  /** Extra count: filler bytes of a sealed token, length of the checksum of an unsealed one. */
  readonly ec: number;
  /** Right rotation count. */
  readonly rrc: number;
  readonly sequence: bigint;
}

/** Bytes of a header. */
export const HEADER_LENGTH = 16;
const WRAP = 0x0504;
const MIC = 0x0404;

function flagByte(header: MessageHeader): number {
  return (header.sentByAcceptor ? 1 : 0) | (header.sealed ? 2 : 0) | (header.acceptorSubkey ? 4 : 0);
}

/** RFC 4121 section 4.2.6.2. */
export function encodeWrapHeader(header: MessageHeader): Bytes {
  const out = new Uint8Array(HEADER_LENGTH);
  const view = new DataView(out.buffer);
  view.setUint16(0, WRAP);
  view.setUint8(2, flagByte(header));
  view.setUint8(3, 0xff);
  view.setUint16(4, header.ec);
  view.setUint16(6, header.rrc);
  view.setBigUint64(8, header.sequence);
  return out;
}

/**
 * Whether the header that was sealed is the one in front of the token, in every field but RRC, which is zero in the sealed
 * one and not covered (RFC 4121 section 4.2.4).
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

/** RFC 4121 section 4.2.6.1. */
export function encodeMicHeader(header: MessageHeader): Bytes {
  const out = new Uint8Array(HEADER_LENGTH).fill(0xff);
  const view = new DataView(out.buffer);
  view.setUint16(0, MIC);
  view.setUint8(2, flagByte(header));
  view.setBigUint64(8, header.sequence);
  return out;
}

/** Reads the header of a Wrap token; what follows it is `token.subarray(16)`. */
export function decodeWrapHeader(token: Uint8Array): MessageHeader {
  const header = decodeHeader(token, WRAP);
  if (token[3] !== 0xff) throw defective("Cannot read Wrap token: filler byte is not 0xff");
  const view = new DataView(token.buffer, token.byteOffset, HEADER_LENGTH);
  return { ...header, ec: view.getUint16(4), rrc: view.getUint16(6) };
}

/** Reads the header of a MIC token; the checksum is `token.subarray(16)`. */
export function decodeMicHeader(token: Uint8Array): MessageHeader {
  const header = decodeHeader(token, MIC);
  for (let i = 3; i < 8; i++) {
    if (token[i] !== 0xff) throw defective("Cannot read MIC token: filler bytes are not 0xff");
  }
  // Section 4.2.2: this one is known, and SHALL NOT be set here.
  if (header.sealed) throw defective("Cannot read MIC token: it is marked as sealed");
  return header;
}

function decodeHeader(token: Uint8Array, id: number): MessageHeader {
  const name = id === WRAP ? "Wrap" : "MIC";
  if (token.length < HEADER_LENGTH) throw defective(`Cannot read ${name} token: ${token.length} bytes`);
  const view = new DataView(token.buffer, token.byteOffset, HEADER_LENGTH);
  if (view.getUint16(0) !== id) {
    throw defective(`Cannot read ${name} token: identifier 0x${view.getUint16(0).toString(16)}`);
  }
  // Flags that are not known are passed over (section 4.2.2); they are signed or sealed as they came.
  const flags = view.getUint8(2);
  return {
    sentByAcceptor: (flags & 1) !== 0,
    sealed: (flags & 2) !== 0,
    acceptorSubkey: (flags & 4) !== 0,
    ec: 0,
    rrc: 0,
    sequence: view.getBigUint64(8),
  };
}

/** Undoes the right rotation of what follows the header, by any count (RFC 4121 section 4.2.5). The input stays as it is. */
export function rotateLeft(data: Bytes, count: number): Bytes {
  const by = data.length === 0 ? 0 : count % data.length;
  return by === 0 ? data : concat(data.subarray(by), data.subarray(0, by));
}
