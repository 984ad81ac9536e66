/**
 * Trees of elements straight from bytes and back. Everything that comes from others is read here: asn1js makes a dozen objects
 * for each element, six milliseconds for a kilobyte of tiny ones. It takes and gives the same as `asn1js_syntax.ts`, which a
 * test holds it to, vector by vector and byte by byte.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { Asn1Error } from "./contents.ts";
import {
  type Element,
  ELEMENT_LIMITS,
  type ElementSyntax,
  type NewElement,
  type ReadOptions,
  STRANGER_ELEMENTS,
} from "./element.ts";

const NONE: readonly Element[] = [];

/** The syntax of DER, by hand. */
export const derSyntax: ElementSyntax = {
  read: (bytes, path, options) => new Reader(bytes, path, options).element(0, bytes.length, 0),
  write(element): Bytes {
    const lengths: number[] = [];
    const out = new Uint8Array(measure(element, lengths));
    new Writer(out, lengths).element(element);
    return out;
  },
};

/** An element that knows where it lies; views of it are made when they are asked for. */
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

  /** The element at `start`, which must end at `limit` or before. */
  element(start: number, limit: number, depth: number): DerElement {
    if (++this.#elements > this.#most) throw this.#error(`more than ${this.#most} elements`);
    if (depth > ELEMENT_LIMITS.depth) throw this.#error("too deep");
    if (limit - start > ELEMENT_LIMITS.bytes) throw this.#error("too large");
    if (limit - start < 2) throw this.#error("cut short");
    if ((this.#bytes[start]! & 0x1f) === 0x1f) throw this.#error("tag number above 30");
    const { length, body } = this.#length(start + 1, limit);
    const end = body + length;
    if (end > limit) throw this.#error("cut short, or longer than the element around it");
    const element = new DerElement(this.#bytes, { start, body, end });
    if (element.constructed) {
      const children: DerElement[] = [];
      for (let at = body; at < end; at = children.at(-1)!.end) children.push(this.element(at, end, depth + 1));
      element.children = children;
    }
    return element;
  }

  /** X.690 section 10.1: definite form, in as few bytes as it takes unless told otherwise. */
  #length(at: number, limit: number): { length: number; body: number } {
    const first = this.#bytes[at]!;
    if (first < 0x80) return { length: first, body: at + 1 };
    const count = first & 0x7f;
    if (count === 0 || count > 4 || limit - at <= count) throw this.#error("length is not in DER form");
    let length = 0;
    for (let i = 1; i <= count; i++) length = length * 256 + this.#bytes[at + i]!;
    const shortest = length >= 0x80 && this.#bytes[at + 1] !== 0;
    if (!shortest && !this.#longLengths) throw this.#error("length is not in DER form");
    return { length, body: at + 1 + count };
  }

  #error(problem: string): Asn1Error {
    return new Asn1Error(this.#path, problem);
  }
}

/** Bytes of an element; the lengths of it and of those in it go into `lengths`, outer ones first. */
function measure(element: NewElement, lengths: number[]): number {
  if ("whole" in element) return element.whole.length;
  const place = lengths.push(0) - 1;
  const length = "contents" in element
    ? element.contents.length
    : element.children.reduce((sum, child) => sum + measure(child, lengths), 0);
  lengths[place] = length;
  return 1 + lengthBytes(length) + length;
}

/** Bytes that a length takes in its shortest form (X.690 section 10.1). */
export function lengthBytes(length: number): number {
  return length < 0x80 ? 1 : 1 + Math.ceil((32 - Math.clz32(length)) / 8);
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
    this.#length(this.#lengths[this.#next++]!);
    if ("contents" in element) this.#put(element.contents);
    else for (const child of element.children) this.element(child);
  }

  #length(length: number): void {
    const more = lengthBytes(length) - 1;
    this.#out[this.#at++] = more === 0 ? length : 0x80 | more;
    for (let i = more - 1; i >= 0; i--) this.#out[this.#at++] = length >>> (8 * i);
  }

  #put(bytes: Uint8Array): void {
    this.#out.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}
