/**
 * Byte strings: checks of what callers give, a reader, a writer, and a few common operations.
 *
 * @module
 */

/** Bytes over an ordinary buffer, as WebCrypto requires. */
export type Bytes = Uint8Array<ArrayBuffer>;

const ENCODER = new TextEncoder();

/** No bytes. */
export const EMPTY: Bytes = new Uint8Array(0);

/** Returns the parts one after another in a new array. */
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

/** Returns the same bytes over an ordinary buffer; copies them only if they are over a shared one. */
export function asBytes(source: Uint8Array): Bytes {
  return source.buffer instanceof ArrayBuffer ? source as Bytes : new Uint8Array(source);
}

/**
 * Gives up memory at once that nothing uses any more. For long messages this saves a fifth of the processor time of sealing: what is
 * left to the garbage collector is still in use when the next one is allocated, which takes fresh pages of the system then.
 */
export function giveUp(bytes: Bytes): void {
  // Node.js 20 has no `transfer`.
  (bytes.buffer as Partial<ArrayBuffer>).transfer?.(0);
}

/** Whether two public byte strings are equal. For secrets and checksums use a timing-safe comparison. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Types that a caller may give bytes in: any view of a buffer, or a buffer. */
export type ByteSource = ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/** Getter of the type name of a typed array; gives `undefined` for a `DataView`, even if that has a forged type name. */
const typeOf = getter(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");
const sharedLength = typeof SharedArrayBuffer === "function"
  ? getter(SharedArrayBuffer.prototype, "byteLength")
  : undefined;

function getter(prototype: object, name: PropertyKey): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get!;
}

/**
 * Returns the bytes of a caller's buffer or view, not copied, as a plain `Uint8Array`: the `slice` of a `Buffer` is no copy.
 *
 * @param doing What is done with the bytes, for the message.
 * @throws {TypeError} When the source is of another type, or its memory was transferred or made shorter.
 */
export function bytesOf(source: unknown, doing = "send"): Uint8Array {
  const view = ArrayBuffer.isView(source);
  // The usual case. A view with a length above 0 has its memory.
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

/** Returns a copy of the bytes of a caller's buffer or view, for use after the call. See {@linkcode bytesOf}. */
export function copyBytes(source: unknown, doing?: string): Bytes {
  return new Uint8Array(bytesOf(source, doing));
}

/**
 * Whether the memory of a view or a buffer is gone: it was transferred, or the buffer was made so short that the view reaches
 * beyond its end. Such a view has the length 0, like an empty one.
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
  // An object that inherits from a buffer is no buffer.
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

/** Returns the UTF-8 bytes of a text. */
export function utf8(text: string): Bytes {
  // Names are short and in ASCII; a call of the encoder takes ten times as long.
  if (text.length > 64) return ENCODER.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return ENCODER.encode(text);
    bytes[i] = unit;
  }
  return bytes;
}

/** Returns the text of UTF-8 bytes, with U+FFFD for invalid bytes: for messages, never for comparison. */
export function lenientText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const EXACT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Returns the text of UTF-8 bytes, for comparison of names: different bytes give different texts.
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

/** Reads fields in order, big-endian by default. Throws a `RangeError` at the end of the bytes. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Number of bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** Number of bytes read so far. */
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

  /** Returns a view of the next `length` bytes. */
  take(length: number): Bytes {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length) as Bytes;
  }

  /** Returns a view of the remaining bytes. */
  rest(): Bytes {
    return this.take(this.remaining);
  }

  /** Throws if bytes remain. */
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

/** Writes fields into one growing array, big-endian by default. */
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

  /** Returns all written bytes. */
  finish(): Bytes {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Reserves room. The array may be replaced, so call this before the array is read. */
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
