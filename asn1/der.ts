/**
 * The engine by hand: reads trees of elements straight from bytes, and writes them. A test compares it with the engine in
 * `asn1js.ts`, vector by vector and byte by byte.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { Asn1Error } from "./errors.ts";
import {
  type DerEngine,
  type Element,
  ELEMENT_LIMITS,
  type NewElement,
  type ReadOptions,
  STRANGER_ELEMENTS,
} from "./element.ts";
import { lengthSize, readLength, writeLength } from "./length.ts";

const NONE: readonly Element[] = [];

/** The engine. */
export const derEngine: DerEngine = {
  read: (bytes, path, options) => new Reader(bytes, path, options).element(0, bytes.length, 0),
  write(element): Bytes {
    const lengths: number[] = [];
    const out = new Uint8Array(measure(element, lengths));
    new Writer(out, lengths).element(element);
    return out;
  },
};

/** An element by its offsets; creates the views of its bytes on access. */
class DerElement implements Element {
  readonly tagClass: number;
  readonly tagNumber: number;
  readonly constructed: boolean;
  children: readonly Element[] = NONE;
  readonly #bytes: Bytes;
  readonly start: number;
  readonly body: number;
  readonly end: number;

  constructor(bytes: Bytes, place: { start: number; body: number; end: number }) {
    const identifier = bytes[place.start]!;
    this.tagClass = 1 + (identifier >> 6);
    this.tagNumber = identifier & 0x1f;
    this.constructed = (identifier & 0x20) !== 0;
    this.#bytes = bytes;
    this.start = place.start;
    this.body = place.body;
    this.end = place.end;
  }

  get contents(): Bytes {
    return this.#bytes.subarray(this.body, this.end);
  }

  get whole(): Bytes {
    return this.#bytes.subarray(this.start, this.end);
  }
}

class Reader {
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

  /** Reads the element at `start`, which must end at `limit` or before. */
  element(start: number, limit: number, depth: number): DerElement {
    if (++this.#elements > this.#most) throw this.#error(`more than ${this.#most} elements`);
    if (depth > ELEMENT_LIMITS.depth) throw this.#error("too deep");
    if (limit - start > ELEMENT_LIMITS.bytes) throw this.#error("too large");
    if (limit - start < 2) throw this.#error("cut short");
    if ((this.#bytes[start]! & 0x1f) === 0x1f) throw this.#error("tag number above 30");
    // X.690 section 8.1.5: the tag of end-of-contents, which DER never has (section 10.1).
    if ((this.#bytes[start]! & 0xdf) === 0) throw this.#error("tag 0, which no type has");
    const read = readLength(this.#bytes, start + 1, this.#longLengths);
    if (read === undefined) throw this.#error("length is not in DER form");
    const { body } = read;
    const end = body + read.length;
    if (end > limit) throw this.#error("cut short, or longer than the element around it");
    const element = new DerElement(this.#bytes, { start, body, end });
    if (element.constructed) {
      const children: DerElement[] = [];
      for (let at = body; at < end; at = children.at(-1)!.end) children.push(this.element(at, end, depth + 1));
      element.children = children;
    }
    return element;
  }

  #error(problem: string): Asn1Error {
    return new Asn1Error(this.#path, problem);
  }
}

/** Returns the size of an element. Appends its length and those of the elements in it to `lengths`, outer ones first. */
function measure(element: NewElement, lengths: number[]): number {
  if ("whole" in element) return element.whole.length;
  const place = lengths.push(0) - 1;
  const length = "contents" in element
    ? element.contents.length
    : element.children.reduce((sum, child) => sum + measure(child, lengths), 0);
  lengths[place] = length;
  return 1 + lengthSize(length) + length;
}

class Writer {
  readonly #out: Bytes;
  readonly #lengths: readonly number[];
  #next = 0;
  #at = 0;

  constructor(out: Bytes, lengths: readonly number[]) {
    this.#out = out;
    this.#lengths = lengths;
  }

  element(element: NewElement): void {
    if ("whole" in element) {
      this.#put(element.whole);
      return;
    }
    const { tagClass, tagNumber, constructed } = element;
    this.#out[this.#at++] = ((tagClass - 1) << 6) | (constructed ? 0x20 : 0) | tagNumber;
    this.#at = writeLength(this.#out, this.#at, this.#lengths[this.#next++]!);
    if ("contents" in element) this.#put(element.contents);
    else for (const child of element.children) this.element(child);
  }

  #put(bytes: Uint8Array): void {
    this.#out.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}
