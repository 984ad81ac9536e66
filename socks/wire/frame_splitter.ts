/**
 * Frames of the GSS-API method out of a stream of bytes, in place: a stream is read into the memory that this gives, and the
 * frames are views of it.
 *
 * @module
 */
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import { decodeFrame, type Frame } from "./gssapi.ts";

/** Takes a stream in pieces of any size and gives its frames. What is held is less than a frame and a piece. */
export class FrameSplitter {
  #bytes: Bytes = EMPTY;
  /** Bytes before this one have been given out in frames. */
  #start = 0;
  #end = 0;

  /** Bytes held. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Buffer that the frames given lie in. */
  get buffer(): ArrayBuffer {
    return this.#bytes.buffer;
  }

  /** Memory for the next piece, `size` bytes. Frames given before must not be used any more. */
  room(size: number): Bytes {
    const held = this.length;
    const needed = held + size;
    // A buffer that is much too large was for busier times.
    if (this.#bytes.length < needed || (held === 0 && this.#bytes.length > 4 * needed)) {
      // Room for as much again as is held, so that each byte is moved a few times at most, however few come at a time.
      const larger = new Uint8Array(needed + held);
      larger.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = larger;
    } else if (this.#start > 0) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
    }
    this.#start = 0;
    this.#end = held;
    return this.#bytes.subarray(held, needed);
  }

  /** Adds a piece: one that lies in the {@linkcode room} given last is taken as it is, another is copied. */
  push(piece: Bytes): void {
    const inPlace = piece.buffer === this.#bytes.buffer && piece.byteOffset === this.#end;
    if (!inPlace) this.room(piece.length).set(piece);
    this.#end += piece.length;
  }

  /** The next frame; `undefined` while it is not whole. Its token is good until {@linkcode room} is called. */
  next(): Frame | undefined {
    const decoded = decodeFrame(this.#bytes.subarray(this.#start, this.#end));
    if (decoded === undefined) return undefined;
    this.#start += decoded.length;
    return decoded.value;
  }
}
