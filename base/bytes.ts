/**
 * Byte strings: a bounds-checked big-endian reader, a growing writer, and the few operations that both sides of the
 * tree share.
 *
 * @module
 */

/** Bytes over an ordinary buffer, which is what WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

const ENCODER = new TextEncoder();

/** No bytes. */
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

/** The same bytes over an ordinary buffer, copied only when they are over a shared one. */
export function asBytes(source: Uint8Array): Bytes {
  return source.buffer instanceof ArrayBuffer ? source as Bytes : new Uint8Array(source);
}

/** Whether two public byte strings are the same. For secrets and checksums use a timing-safe comparison. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** What bytes may be given in: any view of a buffer, or a buffer itself. */
export type ByteSource = ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/** Name of the type of a typed array; `undefined` for a `DataView`, whatever it says of itself. */
const typeOf = getter(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");
const sharedLength = typeof SharedArrayBuffer === "function"
  ? getter(SharedArrayBuffer.prototype, "byteLength")
  : undefined;

function getter(prototype: object, name: PropertyKey): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get!;
}

/**
 * The bytes of what was given, not copied: a plain `Uint8Array`, since the `slice` of a `Buffer` is no copy.
 *
 * @param doing What is to be done with them, for the message.
 * @throws {TypeError} When it has none: it is of another type, or its memory was transferred to somebody else or cut off.
 */
export function bytesOf(source: unknown, doing = "send"): Uint8Array {
  const view = ArrayBuffer.isView(source);
  // Nearly all that comes. Bytes that are there have their memory.
  if (view && (source.constructor as unknown) === Uint8Array && source.byteLength > 0) return source as Uint8Array;
  if (!view && !isBuffer(source)) {
    throw new TypeError(
      `Cannot ${doing} ${nameOf(source)}: a buffer, or a view of one such as a Uint8Array, is wanted`,
    );
  }
  if (isDetached(source)) {
    throw new TypeError(
      `Cannot ${doing}: the buffer was transferred or made shorter, and has not these bytes any more`,
    );
  }
  return view ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source);
}

/** A copy of the bytes of what was given, for what is looked at after the caller has gone on. See {@linkcode bytesOf}. */
export function copyBytes(source: unknown, doing?: string): Bytes {
  return new Uint8Array(bytesOf(source, doing));
}

/**
 * Whether the memory of a view or a buffer is gone: it was transferred to somebody else, or the buffer was made so short
 * that the view reaches beyond its end. Such a view says that it has no bytes, as an empty one does.
 */
export function isDetached(source: ByteSource): boolean {
  if (!ArrayBuffer.isView(source)) return source instanceof ArrayBuffer && source.detached;
  try {
    if (source.byteLength > 0) return false; // A DataView throws here.
    if (typeOf.call(source) !== undefined) Uint8Array.prototype.at.call(source as Uint8Array, 0);
    return false;
  } catch {
    return true;
  }
}

function isBuffer(source: unknown): source is ArrayBuffer | SharedArrayBuffer {
  // An object may inherit from a buffer and be none.
  return [bufferLength, sharedLength].some((length) => {
    try {
      return length?.call(source) !== undefined;
    } catch {
      return false;
    }
  });
}

function nameOf(source: unknown): string {
  if (source === null) return "null";
  if (typeof source !== "object") return typeof source;
  const { constructor } = source;
  return typeof constructor === "function" && constructor.name !== "" ? constructor.name : "object";
}

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Bytes {
  return ENCODER.encode(text);
}

/** The text of UTF-8 bytes, with U+FFFD for what is not UTF-8: for messages, never for comparison. */
export function lenientText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const EXACT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of UTF-8 bytes, another one for every other bytes: for what is compared, such as names.
 *
 * @throws {RangeError} When they are not UTF-8.
 */
export function exactText(bytes: Uint8Array): string {
  try {
    return EXACT.decode(bytes);
  } catch (cause) {
    throw new RangeError("Cannot decode: a text is not UTF-8", { cause });
  }
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

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** Bytes read so far. */
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

  /** A view of the next `length` bytes. */
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
    if (this.remaining > 0) throw new RangeError(`Cannot decode: ${this.remaining} trailing bytes`);
  }

  #advance(length: number): number {
    if (length > this.remaining) {
      throw new RangeError(`Cannot decode: ${length} bytes wanted at offset ${this.#at}, ${this.remaining} left`);
    }
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

/** Collects fields into one array. */
export class ByteWriter {
  #bytes: Bytes = new Uint8Array(64);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  u8(value: number): this {
    const at = this.#advance(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number, littleEndian = false): this {
    const at = this.#advance(2);
    this.#view.setUint16(at, value, littleEndian);
    return this;
  }

  u32(value: number, littleEndian = false): this {
    const at = this.#advance(4);
    this.#view.setUint32(at, value, littleEndian);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#advance(8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#advance(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Everything written, in one array. */
  finish(): Bytes {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Makes room first: what the fields lie in may be another array afterwards. */
  #advance(length: number): number {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#at);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return start;
  }
}
