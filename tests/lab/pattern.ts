/**
 * Transfers whose bytes follow from their position, so that lost, doubled or mixed bytes are detected, with their
 * place.
 *
 * @module
 */

/** Length of the table: a prime, so that no power of two of buffers and windows divides it. */
const LENGTH = 524_287;

/** The table twice, so that each piece is one view. */
const TABLE: Uint8Array<ArrayBuffer> = (() => {
  const table = new Uint8Array(2 * LENGTH);
  let state = 20_260_729;
  for (let at = 0; at < LENGTH; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    table[at] = table[at + LENGTH] = state >>> 16;
  }
  return table;
})();

/** Maximum length of a piece. */
export const PIECE = 65_536;

/** Returns the bytes of a stream from a position on, at most `most`. */
export function bytesAt(stream: number, place: number, most: number): Uint8Array<ArrayBuffer> {
  const start = (Math.imul(stream, 0x9e3779b1) >>> 0) % LENGTH;
  const at = (start + place) % LENGTH;
  return TABLE.subarray(at, at + Math.min(most, PIECE));
}

/** Returns the position of the first wrong byte; `undefined` if all are right. */
export function firstWrong(stream: number, place: number, bytes: Uint8Array): number | undefined {
  for (let at = 0; at < bytes.length;) {
    const wanted = bytesAt(stream, place + at, bytes.length - at);
    for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return place + at + i;
    at += wanted.length;
  }
  return undefined;
}

/** A client's request to the origin. */
export interface Wish {
  /** Number of the transfer, which selects the bytes of its two streams. */
  readonly id: number;
  /** Bytes to the origin. */
  readonly up: number;
  /** Bytes from the origin. */
  readonly down: number;
  /** Bytes per second from the origin; 0 for no limit. */
  readonly rate: number;
}

/** Length of an encoded wish. */
export const WISH = 32;

/** Encodes a wish. */
export function encodeWish({ id, up, down, rate }: Wish): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Float64Array([id, up, down, rate]).buffer);
}

/** Decodes a wish. */
export function decodeWish(bytes: Uint8Array): Wish {
  const [id, up, down, rate] = new Float64Array(bytes.slice(0, WISH).buffer);
  return { id: id!, up: up!, down: down!, rate: rate! };
}

/** Returns the streams of a transfer: to the origin and from it. */
export function streamsOf(id: number): readonly [up: number, down: number] {
  return [2 * id, 2 * id + 1];
}
