/**
 * The engine by hand: checks encodings, and writes them. A test compares it with the engine in `asn1js.ts`, vector by vector
 * and byte by byte.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import {
  CONSTRUCTED,
  type DerEngine,
  type DerWriter,
  ELEMENT_LIMITS,
  type ReadOptions,
  STRANGER_ELEMENTS,
  TAG_NUMBER,
} from "./element.ts";
import { Asn1Error } from "./errors.ts";
import { lengthSize, readLength, writeLength } from "./length.ts";
import type { FieldPath } from "./path.ts";

/** The engine. */
export const derEngine: DerEngine = {
  check: (bytes, path, options) => new Checker(bytes, path, options).element(0, bytes.length, 0),
  writer: (path) => new BackwardWriter(path),
};

class Checker {
  readonly #bytes: Bytes;
  readonly #path: string;
  readonly #most: number;
  readonly #longLengths: boolean;
  #elements = 0;

  constructor(bytes: Bytes, path: string, options: ReadOptions = {}) {
    this.#bytes = bytes;
    this.#path = path;
    this.#most = options.elements ?? STRANGER_ELEMENTS;
    this.#longLengths = options.longLengths ?? false;
  }

  /** Checks the element at `start`, which must end at `limit` or before; returns where it ends. */
  element(start: number, limit: number, depth: number): number {
    if (++this.#elements > this.#most) throw this.#error(`more than ${this.#most} elements`);
    if (depth > ELEMENT_LIMITS.depth) throw this.#error("too deep");
    if (limit - start > ELEMENT_LIMITS.bytes) throw this.#error("too large");
    if (limit - start < 2) throw this.#error("cut short");
    const identifier = this.#bytes[start]!;
    if ((identifier & TAG_NUMBER) === TAG_NUMBER) throw this.#error("tag number above 30");
    // X.690 section 8.1.5: the tag of end-of-contents, which DER never has (section 10.1).
    if ((identifier & ~CONSTRUCTED) === 0) throw this.#error("tag 0, which no type has");
    const read = readLength(this.#bytes, start + 1, this.#longLengths);
    if (read === undefined) throw this.#error("length is not in DER form");
    const end = read.body + read.length;
    if (end > limit) throw this.#error("cut short, or longer than the element around it");
    if ((identifier & CONSTRUCTED) !== 0) {
      for (let at = read.body; at < end;) at = this.element(at, end, depth + 1);
    }
    return end;
  }

  #error(problem: string): Asn1Error {
    return new Asn1Error(this.#path, problem);
  }
}

/** Memory of writers is used again up to this size: fresh memory costs more than writing a message. */
const KEPT = 4_096;
let spare: Bytes | undefined;

class BackwardWriter implements DerWriter {
  readonly path: FieldPath;
  #bytes: Bytes;
  /** Where the bytes written so far start. */
  #at: number;

  constructor(path: FieldPath) {
    this.path = path;
    this.#bytes = spare ?? new Uint8Array(KEPT);
    spare = undefined;
    this.#at = this.#bytes.length;
  }

  primitive(identifier: number, contents: Uint8Array): void {
    this.#put(contents);
    this.#header(identifier, contents.length);
  }

  whole(encoding: Bytes): void {
    this.#put(encoding);
  }

  begin(): number {
    return this.#bytes.length - this.#at;
  }

  end(identifier: number, begun: number): void {
    this.#header(identifier, this.begin() - begun);
  }

  finish(): Bytes {
    const written = this.#bytes.slice(this.#at);
    // There may be keys in it.
    this.#bytes.fill(0, this.#at);
    if (this.#bytes.length === KEPT) spare = this.#bytes;
    return written;
  }

  #header(identifier: number, length: number): void {
    const at = this.#reserve(1 + lengthSize(length));
    this.#bytes[at] = identifier;
    writeLength(this.#bytes, at + 1, length);
  }

  #put(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    // A call of set() takes longer than to copy a few bytes.
    if (bytes.length > 24) this.#bytes.set(bytes, at);
    else for (let i = 0; i < bytes.length; i++) this.#bytes[at + i] = bytes[i]!;
  }

  /** Makes room in front of what was written; returns where it starts. */
  #reserve(length: number): number {
    if (length > this.#at) {
      const written = this.#bytes.subarray(this.#at);
      const larger = new Uint8Array(2 * (this.#bytes.length + length));
      this.#at = larger.length - written.length;
      larger.set(written, this.#at);
      this.#bytes.fill(0);
      this.#bytes = larger;
    }
    this.#at -= length;
    return this.#at;
  }
}
