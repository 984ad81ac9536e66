/**
 * NDR, the encoding of remote procedure calls, as far as a PAC needs it: one structure behind a pointer, in type
 * serialization version 1 (MS-RPCE section 2.2.6), little-endian. What a pointer points to follows the structure that the
 * pointer is in, in the order of the pointers.
 *
 * @module
 */
import { ByteReader, type Bytes, ByteWriter } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import { readSid, sidBytes } from "./sid.ts";
import { utf16Bytes, utf16Text } from "./utf16.ts";

/** Bytes of the common header, and of the private header. */
const HEADER = 8;
const VERSION = 1;
const LITTLE_ENDIAN = 0x10;

/** The part of an `RPC_UNICODE_STRING` that stands in its structure (MS-DTYP section 2.3.10). */
export interface StringHeader {
  /** Bytes of the text. */
  readonly length: number;
  /** Whether the text follows later. */
  readonly present: boolean;
}

/** Reads a structure. Throws a `RangeError` at the end of the bytes. */
export class NdrReader {
  readonly #reader: ByteReader;

  /**
   * Reads the headers and the pointer to the structure.
   *
   * @throws {KerberosError} `BAD_MESSAGE` when they are others.
   */
  constructor(bytes: Uint8Array) {
    const head = new ByteReader(bytes);
    const [version, endianness, length] = [head.u8(), head.u8(), head.u16(true)];
    if (version !== VERSION || endianness !== LITTLE_ENDIAN || length !== HEADER) {
      throw malformed(`its headers are those of version ${version}, byte order ${endianness}`);
    }
    head.take(4);
    const size = head.u32(true);
    head.take(4);
    this.#reader = new ByteReader(head.take(size));
    if (!this.pointer()) throw malformed("its structure is missing");
  }

  u16(): number {
    this.#align(2);
    return this.#reader.u16(true);
  }

  u32(): number {
    this.#align(4);
    return this.#reader.u32(true);
  }

  /** Passes over numbers of 32 bits. */
  skip32(count: number): void {
    this.#align(4);
    this.#reader.take(4 * count);
  }

  /** Whether a pointer points to something. */
  pointer(): boolean {
    return this.u32() !== 0;
  }

  /** Reads the size that stands before an array; it must be the one that its structure tells. */
  arraySize(count: number): void {
    const size = this.u32();
    if (size !== count) throw malformed(`an array has ${size} elements, its structure tells of ${count}`);
  }

  string(): StringHeader {
    this.#align(4);
    const length = this.u16();
    this.u16();
    return { length, present: this.pointer() };
  }

  /** Reads the text of a string. */
  text({ length, present }: StringHeader): string {
    if (!present) {
      if (length !== 0) throw malformed("the text of a string is missing");
      return "";
    }
    this.u32();
    const [offset, count] = [this.u32(), this.u32()];
    if (offset !== 0 || 2 * count !== length) throw malformed("a string has another length than its structure tells");
    return utf16Text(this.#reader.take(length));
  }

  /** Reads a SID that a pointer points to. */
  sid(): string {
    const count = this.u32();
    const at = this.#reader.offset;
    const sid = readSid(this.#reader);
    if (this.#reader.offset - at !== 8 + 4 * count) throw malformed("a SID has another length than its array");
    return sid;
  }

  /** Alignment counts from the start of the structure (C706 section 14.2.2). */
  #align(size: number): void {
    this.#reader.take((size - this.#reader.offset % size) % size);
  }
}

function malformed(problem: string): KerberosError {
  return new KerberosError("BAD_MESSAGE", problem);
}

/** First referent of a pointer; those that follow are larger by 4. */
const FIRST_REFERENT = 0x00020000;

/** Writes a structure. */
export class NdrWriter {
  readonly #writer = new ByteWriter();
  #length = 0;
  #referent = FIRST_REFERENT;
  /** What follows the structure. */
  readonly #later: (() => void)[] = [];

  constructor() {
    this.pointer(() => {});
  }

  u16(value: number): this {
    this.#align(2);
    this.#writer.u16(value, true);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    this.#align(4);
    this.#writer.u32(value, true);
    this.#length += 4;
    return this;
  }

  /** Writes a pointer, and later what it points to; without the latter, a null pointer. */
  pointer(write: (() => void) | undefined): this {
    if (write === undefined) return this.u32(0);
    this.u32(this.#referent);
    this.#referent += 4;
    this.#later.push(write);
    return this;
  }

  string(text: string): this {
    const bytes = utf16Bytes(text);
    this.#align(4);
    return this.u16(bytes.length).u16(bytes.length).pointer(() => {
      const count = bytes.length / 2;
      this.u32(count).u32(0).u32(count);
      this.bytes(bytes);
    });
  }

  /** Writes a SID that a pointer points to. */
  sid(text: string): void {
    const bytes = sidBytes(text);
    this.u32(bytes.length / 4 - 2);
    this.bytes(bytes);
  }

  bytes(bytes: Uint8Array): void {
    this.#writer.bytes(bytes);
    this.#length += bytes.length;
  }

  /** Writes what the pointers so far point to. */
  flush(): void {
    for (const write of this.#later.splice(0)) write();
  }

  /** Returns all bytes with their headers. */
  finish(): Bytes {
    this.flush();
    this.#align(8);
    const head = new ByteWriter().u8(VERSION).u8(LITTLE_ENDIAN).u16(HEADER, true).u32(0xcccccccc, true)
      .u32(this.#length, true).u32(0, true);
    return head.bytes(this.#writer.finish()).finish();
  }

  #align(size: number): void {
    this.bytes(new Uint8Array((size - this.#length % size) % size));
  }
}
