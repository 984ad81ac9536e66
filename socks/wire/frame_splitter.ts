/**
 * Frames of the GSS-API method out of a stream of octets, in pieces of any size. Only a frame that lies across two pieces
 * is copied.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import { decodeFrame, type Frame, FRAME_HEADER } from "./gssapi.ts";

/** Takes pieces of a stream and gives its frames. What is held is less than a frame and a piece. */
export class FrameSplitter {
  #pieces: Bytes[] = [];
  #length = 0;

  /** Octets held. */
  get length(): number {
    return this.#length;
  }

  /** Adds a piece, which must not be changed from then on. */
  push(piece: Bytes): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** The next frame; `undefined` while it is not whole. Its token may share memory with the pieces. */
  next(): Frame | undefined {
    const first = this.#pieces[0];
    if (first === undefined) return undefined;
    const here = decodeFrame(first);
    if (here !== undefined) {
      this.#drop(here.length);
      return here.value;
    }
    if (this.#pieces.length === 1) return undefined;
    // The frame goes on in the next piece: as many octets as it has, or its header to begin with, are put together.
    const header = this.#copy(Math.min(FRAME_HEADER, this.#length));
    const [, , high, low] = header;
    const length = low === undefined ? header.length : FRAME_HEADER + ((high! << 8) | low);
    if (length > this.#length) return decodeFrame(header)?.value;
    const across = decodeFrame(length > header.length ? this.#copy(length) : header);
    if (across === undefined) return undefined;
    this.#drop(across.length);
    return across.value;
  }

  #copy(length: number): Bytes {
    const out = new Uint8Array(length);
    let at = 0;
    for (const piece of this.#pieces) {
      const part = piece.subarray(0, length - at);
      out.set(part, at);
      at += part.length;
      if (at === length) break;
    }
    return out;
  }

  #drop(length: number): void {
    this.#length -= length;
    let left = length;
    while (left > 0) {
      const first = this.#pieces[0]!;
      if (first.length > left) {
        this.#pieces[0] = first.subarray(left);
        return;
      }
      this.#pieces.shift();
      left -= first.length;
    }
  }
}
