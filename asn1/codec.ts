/**
 * Codecs of ASN.1 types in DER (ITU-T X.690): `encode()` and `decode()` over trees of elements. The types are built in
 * `types.ts`.
 *
 * Decoding checks every rule: the engine checks lengths and nesting; the codecs check tags, contents, and that nothing is left
 * over. A failure is an {@linkcode Asn1Error} that names the field (`AP-REQ.ticket.enc-part.etype`).
 *
 * @module
 */
import { asBytes, type Bytes } from "../base/bytes.ts";
import { readingEngine, writingEngine, type Written } from "./choose.ts";
import { type DerEngine, type Element, type NewElement, type ReadOptions, type Tag, TagClass } from "./element.ts";
import { Asn1Error } from "./errors.ts";

export { oidBytes, oidText } from "./contents.ts";
export { Asn1Error } from "./errors.ts";

/** Encodes and decodes one ASN.1 type. */
export interface Codec<T> extends Written {
  /** ASN.1 name of the type, the first part of error paths. */
  readonly name: string;
  /** Identifier that the encoding starts with; `undefined` if any is accepted. */
  readonly tag: Tag | undefined;
  /** Maximum number of elements in a message of this type, at all levels together. @default {STRANGER_ELEMENTS} */
  readonly elements?: number;
  /** @internal */
  toElement(value: T, path: string): NewElement;
  /** @internal */
  fromElement(element: Element, path: string): T;
}

/** Returns the DER encoding of `value`. Throws {@linkcode Asn1Error} if the type cannot hold it. */
export function encode<T>(codec: Codec<T>, value: T): Bytes {
  return encodeBy(writingEngine(codec), codec, value);
}

/**
 * Returns the value whose DER encoding is exactly `bytes`. Throws {@linkcode Asn1Error} for anything else, and for more
 * elements than the codec allows.
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, options?: Pick<ReadOptions, "longLengths">): T {
  return decodeBy(readingEngine(), codec, bytes, options);
}

/** {@linkcode encode} by a given engine, for tests that compare the engines. */
export function encodeBy<T>(engine: DerEngine, codec: Codec<T>, value: T): Bytes {
  return engine.write(codec.toElement(value, codec.name));
}

/** {@linkcode decode} by a given engine, for tests that compare the engines. */
export function decodeBy<T>(
  engine: DerEngine,
  codec: Codec<T>,
  bytes: Uint8Array,
  options?: Pick<ReadOptions, "longLengths">,
): T {
  const element = engine.read(asBytes(bytes), codec.name, { ...options, elements: codec.elements });
  const trailing = bytes.length - element.whole.length;
  if (trailing > 0) throw new Asn1Error(codec.name, `${trailing} trailing bytes`);
  return decodeElement(codec, element, codec.name);
}

/** Returns the APPLICATION tag number that the bytes start with, or `undefined`. Reads only the first byte. */
export function applicationTag(bytes: Uint8Array): number | undefined {
  const first = bytes[0];
  return first !== undefined && (first & 0xe0) === 0x60 && (first & 0x1f) !== 0x1f ? first & 0x1f : undefined;
}

/** Returns the value of an element inside a message. */
export function decodeElement<T>(codec: Codec<T>, element: Element, path: string): T {
  const { tag } = codec;
  if (tag !== undefined && !hasTag(element, tag)) {
    throw new Asn1Error(path, `tag ${describeTag(tag)} wanted, ${describeTag(element)} there`);
  }
  return codec.fromElement(element, path);
}

/** Whether an element has a tag. */
export function hasTag(element: Tag, tag: Tag): boolean {
  return element.tagClass === tag.tagClass && element.tagNumber === tag.tagNumber &&
    element.constructed === tag.constructed;
}

/** A tag for a message, such as `[CONTEXT 3]`. */
export function describeTag(tag: Tag | undefined): string {
  if (tag === undefined) return "any";
  const name = Object.keys(TagClass)[tag.tagClass - 1] ?? "?";
  return `[${name.toUpperCase()} ${tag.tagNumber}]`;
}
