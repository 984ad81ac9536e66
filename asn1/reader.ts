/**
 * Reads elements of an encoding that was checked: codecs look at its bytes where they are, no tree is built.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { FieldPath } from "./path.ts";

/** One element of an encoding, and the way to others. Only for bytes that {@linkcode DerEngine.check} has passed. */
export class DerReader {
  /** The whole encoding. */
  readonly bytes: Bytes;
  /** The field that is being read. */
  readonly path: FieldPath;
  /** First byte of the element: class, form and number. */
  identifier = 0;
  /** Where the element starts. */
  start = 0;
  /** Where its contents start. */
  body = 0;
  /** Where it ends. */
  end = 0;

  /** Opens the first element. */
  constructor(bytes: Bytes, path: string) {
    this.bytes = bytes;
    this.path = new FieldPath(path);
    this.open(0);
  }

  /** Opens the element at `at`. */
  open(at: number): void {
    const { bytes } = this;
    let length = bytes[at + 1]!;
    let body = at + 2;
    if (length >= 0x80) {
      const end = body + (length & 0x7f);
      for (length = 0; body < end; body++) length = length * 256 + bytes[body]!;
    }
    this.identifier = bytes[at]!;
    this.start = at;
    this.body = body;
    this.end = body + length;
  }

  /** A view of the contents. */
  get contents(): Bytes {
    return this.bytes.subarray(this.body, this.end);
  }

  /** A copy of all bytes of the element. */
  copy(): Bytes {
    return this.bytes.slice(this.start, this.end);
  }
}
