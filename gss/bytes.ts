/**
 * Octet strings: a bounds-checked big-endian reader, a growing writer, and the few operations that both sides of the
 * tree share.
 *
 * @module
 */

/** Octets over an ordinary buffer, which is what WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

const ENCODER = new TextEncoder();

/** No octets. */
export const EMPTY: Bytes = new Uint8Array(0);

/** The parts one after another in a new array. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The same octets over an ordinary buffer, copied only when they are over a shared one. */
export function asBytes(source: Uint8Array): Bytes {
  return source.buffer instanceof ArrayBuffer ? source as Bytes : new Uint8Array(source);
}

/** Whether two public octet strings are the same. For secrets and checksums use a timing-safe comparison. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The UTF-8 octets of a text. */
export function utf8(text: string): Bytes {
  return ENCODER.encode(text);
}

/** The text of UTF-8 octets, with U+FFFD for what is not UTF-8: for messages, never for comparison. */
export function lenientText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Reads fixed-size fields in order and throws a `RangeError` instead of running past the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Octets not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** Octets read so far. */
  get offset(): number {
    return this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(littleEndian = false): number {
    return this.#view.getUint16(this.#advance(2), littleEndian);
  }

  u32(littleEndian = false): number {
    return this.#view.getUint32(this.#advance(4), littleEndian);
  }

  i32(littleEndian = false): number {
    return this.#view.getInt32(this.#advance(4), littleEndian);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  /** A view of the next `length` octets. */
  take(length: number): Bytes {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length) as Bytes;
  }

  /** A view of everything that is left. */
  rest(): Bytes {
    return this.take(this.remaining);
  }

  /** Throws unless everything has been read. */
  end(): void {
    if (this.remaining > 0) throw new RangeError(`Cannot decode: ${this.remaining} trailing octets`);
  }

  #advance(length: number): number {
    if (length > this.remaining) {
      throw new RangeError(`Cannot decode: ${length} octets wanted at offset ${this.#at}, ${this.remaining} left`);
    }
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

/** Collects fixed-size fields into one array. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    this.#parts.push(Uint8Array.of(value));
    return this;
  }

  u16(value: number, littleEndian = false): this {
    return this.#number(2, (view) => view.setUint16(0, value, littleEndian));
  }

  u32(value: number, littleEndian = false): this {
    return this.#number(4, (view) => view.setUint32(0, value, littleEndian));
  }

  u64(value: bigint): this {
    return this.#number(8, (view) => view.setBigUint64(0, value));
  }

  bytes(value: Uint8Array): this {
    this.#parts.push(value);
    return this;
  }

  /** Everything written, in one new array. */
  finish(): Bytes {
    return concat(...this.#parts);
  }

  #number(size: number, write: (view: DataView) => void): this {
    const bytes = new Uint8Array(size);
    write(new DataView(bytes.buffer));
    this.#parts.push(bytes);
    return this;
  }
}
