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
import { type DerEngine, type DerWriter, describeIdentifier, type ReadOptions, TAG_NUMBER } from "./element.ts";
import { Asn1Error } from "./errors.ts";
import { FieldPath } from "./path.ts";
import { DerReader } from "./reader.ts";

export { oidBytes, oidText } from "./contents.ts";
export { Asn1Error } from "./errors.ts";

/** Encodes and decodes one ASN.1 type. */
export interface Codec<T> extends Written {
  /** ASN.1 name of the type, the first part of error paths. */
  readonly name: string;
  /** First byte of the encoding: class, form and number of its tag; `undefined` if any is accepted. */
  readonly identifier: number | undefined;
  /** Maximum number of elements in a message of this type, at all levels together. @default {STRANGER_ELEMENTS} */
  readonly elements?: number;
  /** @internal Writes a value. */
  write(writer: DerWriter, value: T): void;
  /** @internal Returns the value of the element that the reader has open; leaves it open at any other. */
  read(reader: DerReader): T;
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
  const writer = engine.writer(new FieldPath(codec.name));
  codec.write(writer, value);
  return writer.finish();
}

/** {@linkcode decode} by a given engine, for tests that compare the engines. */
export function decodeBy<T>(
  engine: DerEngine,
  codec: Codec<T>,
  given: Uint8Array,
  options?: Pick<ReadOptions, "longLengths">,
): T {
  const bytes = asBytes(given);
  const { name, elements } = codec;
  const trailing = bytes.length - engine.check(bytes, name, { longLengths: options?.longLengths, elements });
  if (trailing > 0) throw new Asn1Error(name, `${trailing} trailing bytes`);
  return readElement(codec, new DerReader(bytes, name));
}

/** Returns the APPLICATION tag number that the bytes start with, or `undefined`. Reads only the first byte. */
export function applicationTag(bytes: Uint8Array): number | undefined {
  const first = bytes[0];
  return first !== undefined && (first & 0xe0) === 0x60 && (first & TAG_NUMBER) !== TAG_NUMBER
    ? first & TAG_NUMBER
    : undefined;
}

/** Returns the value of the element that the reader has open. */
export function readElement<T>(codec: Codec<T>, reader: DerReader): T {
  const { identifier } = codec;
  if (identifier !== undefined && identifier !== reader.identifier) throw tagError(codec, reader);
  return codec.read(reader);
}

/** The error of an element with another tag than the codec's. */
export function tagError({ identifier }: Codec<unknown>, reader: DerReader): Asn1Error {
  return reader.path.error(
    `tag ${describeIdentifier(identifier)} wanted, ${describeIdentifier(reader.identifier)} there`,
  );
}
