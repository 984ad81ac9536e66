/**
 * Bytes that have come in pieces and wait for a reader. A piece costs far more memory than its bytes when those are few, so
 * small ones are joined.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";

/** Pieces of this size and more stay as they are. */
const SMALL = 4_096;
/** Bytes that are joined at most. */
const JOINED = 16_384;

/** Pieces in their order, first in first out. */
export class PieceQueue {
  readonly #pieces: Bytes[] = [];
  /** Memory that the last piece lies in, with room behind it, where pieces were joined. */
  #joining: Bytes | undefined;

  /** Pieces that wait. */
  get length(): number {
    return this.#pieces.length;
  }

  /** Takes a piece in, which is this object's from then on. */
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

  /** The first piece, which is the caller's from then on; `undefined` where none waits. */
  shift(): Bytes | undefined {
    return this.#pieces.shift();
  }
}
