/**
 * Bytes received and not yet understood.
 *
 * @module
 */
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Decoded } from "./decoded.ts";

/** Holds what a peer sent until a decoder can make something of it. However small the pieces are, each byte is moved a few times at most. */
export class ReceiveBuffer {
  readonly #limit: number;
  /** Memory, with the bytes held from `start` to `end`. What was given out is a view of it, and is never written over. */
  #memory: Bytes = EMPTY;
  #start = 0;
  #end = 0;

  /**
   * Makes one.
   *
   * @param limit Bytes held at most; more without a message in them is an error.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes held. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds what came. */
  push(bytes: Bytes): void {
    const held = this.length;
    if (held === 0) {
      this.#memory = bytes;
      this.#start = 0;
      this.#end = bytes.length;
      return;
    }
    // A piece that came first has no room behind it, so nobody else's memory is written into.
    if (this.#end + bytes.length > this.#memory.length) {
      const needed = held + bytes.length;
      // More than the limit is not held for long.
      const larger = new Uint8Array(Math.max(needed, Math.min(2 * needed, this.#limit)));
      larger.set(this.#memory.subarray(this.#start, this.#end));
      this.#memory = larger;
      this.#start = 0;
      this.#end = held;
    }
    this.#memory.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The next message, taken out; `undefined` while it is not whole. */
  next<T>(decode: (bytes: Bytes) => Decoded<T> | undefined): T | undefined {
    if (this.length === 0) return undefined;
    const decoded = decode(this.#memory.subarray(this.#start, this.#end));
    if (decoded === undefined) {
      if (this.length >= this.#limit) {
        throw new SocksProtocolError("TOO_LARGE", `Cannot read message: it is not whole after ${this.#limit} bytes`);
      }
      return undefined;
    }
    this.#start += decoded.length;
    return decoded.value;
  }

  /** Everything held, taken out. */
  takeAll(): Bytes {
    const all = this.#memory.subarray(this.#start, this.#end);
    this.#memory = EMPTY;
    this.#start = 0;
    this.#end = 0;
    return all;
  }
}
