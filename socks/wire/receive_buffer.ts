/**
 * Octets received and not yet understood.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../gss/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Decoded } from "./address.ts";

/** Holds what a peer sent until a decoder can make something of it. */
export class ReceiveBuffer {
  readonly #limit: number;
  #bytes: Bytes = EMPTY;

  /**
   * Makes one.
   *
   * @param limit Octets held at most; more without a message in them is an error.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Octets held. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Adds what came. */
  push(bytes: Bytes): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : concat(this.#bytes, bytes);
  }

  /** The next message, taken out; `undefined` while it is not whole. */
  next<T>(decode: (bytes: Bytes) => Decoded<T> | undefined): T | undefined {
    if (this.#bytes.length === 0) return undefined;
    const decoded = decode(this.#bytes);
    if (decoded === undefined) {
      if (this.#bytes.length >= this.#limit) {
        throw new SocksProtocolError("TOO_LARGE", `Cannot read message: it is not whole after ${this.#limit} octets`);
      }
      return undefined;
    }
    this.#bytes = this.#bytes.subarray(decoded.length);
    return decoded.value;
  }

  /** Everything held, taken out. */
  takeAll(): Bytes {
    const all = this.#bytes;
    this.#bytes = EMPTY;
    return all;
  }
}
