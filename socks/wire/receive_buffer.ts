/**
 * Bytes received but not yet decoded.
 *
 * @module
 */
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Decoded } from "./decoded.ts";

/** Holds received bytes until a decoder finds a message in them. However small the pieces are, each byte is moved only a few times. */
export class ReceiveBuffer {
  readonly #limit: number;
  /** Memory with the held bytes from `start` to `end`. Bytes that were returned are views of it and are never overwritten. */
  #memory: Bytes = EMPTY;
  #start = 0;
  #end = 0;

  /**
   * Creates a buffer.
   *
   * @param limit Most bytes held without a complete message.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Number of bytes held. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds received bytes. */
  push(bytes: Bytes): void {
    const held = this.length;
    if (held === 0) {
      this.#memory = bytes;
      this.#start = 0;
      this.#end = bytes.length;
      return;
    }
    // The first piece lies in the caller's memory and has no room behind it, so that memory is never written to.
    if (this.#end + bytes.length > this.#memory.length) {
      const needed = held + bytes.length;
      // More bytes than the limit are an error soon.
      const larger = new Uint8Array(Math.max(needed, Math.min(2 * needed, this.#limit)));
      larger.set(this.#memory.subarray(this.#start, this.#end));
      this.#memory = larger;
      this.#start = 0;
      this.#end = held;
    }
    this.#memory.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Removes and returns the next message; `undefined` while it is incomplete. */
  next<T>(decode: (bytes: Bytes) => Decoded<T> | undefined): T | undefined {
    if (this.length === 0) return undefined;
    const decoded = decode(this.#memory.subarray(this.#start, this.#end));
    if (decoded === undefined) {
      if (this.length >= this.#limit) {
        throw new SocksProtocolError("TOO_LARGE", `Cannot read message: it is incomplete after ${this.#limit} bytes`);
      }
      return undefined;
    }
    this.#start += decoded.length;
    return decoded.value;
  }

  /** Removes and returns all bytes. */
  takeAll(): Bytes {
    const all = this.#memory.subarray(this.#start, this.#end);
    this.#memory = EMPTY;
    this.#start = 0;
    this.#end = 0;
    return all;
  }
}
