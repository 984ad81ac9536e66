/**
 * Frames of the GSS-API method (RFC 1961 sections 3.4, 3.7, 4.3 and 5):
 *
 * ```text
 * +------+------+------+.......................+
 * + ver  | mtyp | len  |       token           |
 * +------+------+------+.......................+
 * + 0x01 | 0x0x | 0x02 | up to 2^16 - 1 bytes |
 * +------+------+------+.......................+
 * ```
 *
 * and the refusal (RFC 1961 section 3.8): `ver mtyp` with `mtyp` 0xff, without length and token.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import { checkVersion, type Decoded } from "./decoded.ts";

/** Message types (mtyp). */
export const FrameType = { Authentication: 1, Protection: 2, Encapsulation: 3, Abort: 0xff } as const;

/** A message of the GSS-API method. */
export interface Frame {
  /** One of {@linkcode FrameType}. */
  readonly type: number;
  /** Token; empty in a refusal. */
  readonly token: Bytes;
}

/** Length of the header, in bytes. */
export const FRAME_HEADER = 4;
/** Longest token, in bytes. */
export const MAX_TOKEN = 65_535;

const VERSION = 1;

/** Writes the header of a frame into the first bytes of `frame`; the token lies behind them. */
export function frameInPlace(type: number, frame: Bytes): Bytes {
  const length = frame.length - FRAME_HEADER;
  if (length > MAX_TOKEN) throw new RangeError(`Cannot encode frame: the token has ${length} bytes`);
  frame[0] = VERSION;
  frame[1] = type;
  frame[2] = length >> 8;
  frame[3] = length & 0xff;
  return frame;
}

/**
 * Encodes a frame.
 *
 * @throws {RangeError} When the token is longer than {@linkcode MAX_TOKEN}.
 */
export function encodeFrame(type: number, token: Uint8Array): Bytes {
  const frame = new Uint8Array(FRAME_HEADER + token.length);
  frame.set(token, FRAME_HEADER);
  return frameInPlace(type, frame);
}

/** Encodes the refusal. */
export function encodeAbort(): Bytes {
  return Uint8Array.of(VERSION, FrameType.Abort);
}

/** Decodes a frame or a refusal; `undefined` while bytes are missing. The token is a view of the input. */
export function decodeFrame(bytes: Bytes): Decoded<Frame> | undefined {
  const [version, type, high, low] = bytes;
  checkVersion(version, VERSION, "GSS-API frame");
  if (type === FrameType.Abort) return { value: { type, token: bytes.subarray(2, 2) }, length: 2 };
  if (type !== undefined && (type < 1 || type > 3)) {
    throw new SocksProtocolError("BAD_MESSAGE", `Cannot read GSS-API frame: message type ${type} is not defined`);
  }
  if (type === undefined || low === undefined) return undefined;
  const length = FRAME_HEADER + ((high! << 8) | low);
  if (bytes.length < length) return undefined;
  return { value: { type, token: bytes.subarray(FRAME_HEADER, length) }, length };
}
