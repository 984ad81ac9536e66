/**
 * Splits a stream of bytes into the frames of the GSS-API method, in place: the stream is read into memory of the splitter, and frames
 * are views of that memory.
 *
 * @module
 */
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import { decodeFrame, type Frame } from "./gssapi.ts";

/** Splits a stream into frames; buffers less than one frame plus one piece. */
export class FrameSplitter {
  #bytes: Bytes = EMPTY;
  /** Start of the bytes that are in no frame yet. */
  #start = 0;
  #end = 0;

  /** Number of bytes held. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Buffer of the returned frames. */
  get buffer(): ArrayBuffer {
    return this.#bytes.buffer;
  }

  /** Returns memory for the next piece, `size` bytes. Frames that were returned before must not be used any more. */
  room(size: number): Bytes {
    const held = this.length;
    const needed = held + size;
    // A buffer that is much too large is left from busier times.
    if (this.#bytes.length < needed || (held === 0 && this.#bytes.length > 4 * needed)) {
      // Room for twice the held bytes, so that each byte is moved only a few times, however small the pieces are.
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

  /** Adds a piece. It is copied unless it lies in the {@linkcode room} that was returned last. */
  push(piece: Bytes): void {
    const inPlace = piece.buffer === this.#bytes.buffer && piece.byteOffset === this.#end;
    if (!inPlace) this.room(piece.length).set(piece);
    this.#end += piece.length;
  }

  /** Returns the next frame; `undefined` while it is incomplete. Its token is valid until {@linkcode room} is called. */
  next(): Frame | undefined {
    const decoded = decodeFrame(this.#bytes.subarray(this.#start, this.#end));
    if (decoded === undefined) return undefined;
    this.#start += decoded.length;
    return decoded.value;
  }
}
