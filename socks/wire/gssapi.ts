/**
 * Frames of the GSS-API method (RFC 1961):
 *
 * ```text
 * +------+------+------+.......................+
 * + ver  | mtyp | len  |       token           |
 * +------+------+------+.......................+
 * + 0x01 | 0x0x | 0x02 | up to 2^16 - 1 bytes |
 * +------+------+------+.......................+
 * ```
 *
 * and the refusal, `ver mtyp` with `mtyp` 0xff and nothing behind it (section 3.8).
 *
 * @module
 */
import { type Bytes, concat } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import { checkVersion, type Decoded } from "./decoded.ts";

/** Message types. */
export const FrameType = { Authentication: 1, Protection: 2, Encapsulation: 3, Abort: 0xff } as const;

/** A message of the GSS-API method. */
export interface Frame {
  /** One of {@linkcode FrameType}'s. */
  readonly type: number;
  /** Token, empty in an abort. */
  readonly token: Bytes;
}

/** Bytes in front of a token. */
export const FRAME_HEADER = 4;
/** Bytes that a token may have. */
export const MAX_TOKEN = 65_535;

const VERSION = 1;

/** Writes the header of a frame over the first bytes of an array whose other bytes are the token. */
export function frameInPlace(type: number, frame: Bytes): Bytes {
  const length = frame.length - FRAME_HEADER;
  if (length > MAX_TOKEN) throw new RangeError(`Cannot encode frame: the token has ${length} bytes`);
  frame[0] = VERSION;
  frame[1] = type;
  frame[2] = length >> 8;
  frame[3] = length & 0xff;
  return frame;
}

/** A frame; a token of more than 65,535 bytes is a `RangeError`. */
export function encodeFrame(type: number, token: Uint8Array): Bytes {
  return frameInPlace(type, concat(new Uint8Array(FRAME_HEADER), token));
}

/** The refusal. */
export function encodeAbort(): Bytes {
  return Uint8Array.of(VERSION, FrameType.Abort);
}

/** Reads a frame or a refusal; `undefined` while bytes are missing. The token is a view of the input. */
export function decodeFrame(bytes: Bytes): Decoded<Frame> | undefined {
  const [version, type, high, low] = bytes;
  checkVersion(version, VERSION, "GSS-API frame");
  if (type === FrameType.Abort) return { value: { type, token: bytes.subarray(2, 2) }, length: 2 };
  if (type !== undefined && (type < 1 || type > 3)) {
    throw new SocksProtocolError("BAD_MESSAGE", `Cannot read GSS-API frame: message type ${type} is not known`);
  }
  if (type === undefined || low === undefined) return undefined;
  const length = FRAME_HEADER + ((high! << 8) | low);
  if (bytes.length < length) return undefined;
  return { value: { type, token: bytes.subarray(FRAME_HEADER, length) }, length };
}
