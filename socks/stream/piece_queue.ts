/**
 * A queue of received bytes that wait for a reader. A small piece costs far more memory than its bytes, so small ones are joined.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";

/** Size from which a piece is not joined. */
const SMALL = 4_096;
/** Largest joined piece. */
const JOINED = 16_384;

/** Pieces in order, first in, first out. */
export class PieceQueue {
  readonly #pieces: Bytes[] = [];
  /** Memory of the last piece, if it was joined; it may have room behind it. */
  #joining: Bytes | undefined;

  /** Number of pieces. */
  get length(): number {
    return this.#pieces.length;
  }

  /** Adds a piece; the queue owns it. */
  push(piece: Bytes): void {
    const last = this.#pieces.at(-1);
    const length = (last?.length ?? 0) + piece.length;
    const whole = last === undefined || (this.#joining === undefined && last.length >= SMALL);
    if (whole || piece.length >= SMALL || length > JOINED) {
      this.#pieces.push(piece);
      this.#joining = undefined;
      return;
    }
    if (this.#joining === undefined || this.#joining.length < length) {
      this.#joining = new Uint8Array(Math.min(JOINED, 2 * length));
      this.#joining.set(last);
    }
    this.#joining.set(piece, last.length);
    this.#pieces[this.#pieces.length - 1] = this.#joining.subarray(0, length);
  }

  /** Removes and returns the first piece; `undefined` if there is none. The caller owns it. */
  shift(): Bytes | undefined {
    return this.#pieces.shift();
  }
}
