/**
 * Combinators that build codecs: the primitive types, SEQUENCE, SEQUENCE OF and explicit tags.
 *
 * @module
 */
import { type Bytes, exactText, utf8 } from "../base/bytes.ts";
import { readingEngine } from "./choose.ts";
import { type Codec, readElement, tagError } from "./codec.ts";
import { integerContents, integerValue, oidContents, oidText, timeContents, timeValue } from "./contents.ts";
import { CONSTRUCTED, describeIdentifier, TagClass, VOUCHED_ELEMENTS } from "./element.ts";
import type { FieldPath } from "./path.ts";
import type { DerReader } from "./reader.ts";

/** Codec of a field that may be absent; `undefined` stands for absence. */
export interface OptionalCodec<T> extends Codec<T> {
  readonly optional: true;
}

/** Returns the codec of a primitive type from a function that returns its contents bytes, and one that reads them. */
function primitive<T>(
  name: string,
  identifier: number,
  contents: (value: T, path: FieldPath) => Uint8Array,
  read: (reader: DerReader) => T,
): Codec<T> {
  return {
    name,
    identifier,
    write: (writer, value) => writer.primitive(identifier, contents(value, writer.path)),
    read,
  };
}

/** INTEGER from `minimum` to `maximum`, both included. Both must be safe integers. */
export function integer(name: string, minimum: number, maximum: number, tagNumber = 2): Codec<number> {
  return primitive(name, tagNumber, (value, path) => {
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      throw path.error(`${value} is outside ${minimum}..${maximum}`);
    }
    return integerContents(value);
  }, (reader) => {
    const value = integerValue(reader);
    if (value < minimum || value > maximum) throw reader.path.error(`${value} is outside ${minimum}..${maximum}`);
    return value;
  });
}

/** ENUMERATED from `minimum` to `maximum`. */
export function enumerated(name: string, minimum: number, maximum: number): Codec<number> {
  return integer(name, minimum, maximum, 10);
}

/** BOOLEAN (X.690 section 11.1: TRUE is 0xff). */
export const boolean: Codec<boolean> = primitive(
  "BOOLEAN",
  1,
  (value) => Uint8Array.of(value ? 0xff : 0),
  ({ bytes, body, end, path }) => {
    if (end - body !== 1 || (bytes[body] !== 0 && bytes[body] !== 0xff)) throw path.error("BOOLEAN is not in DER form");
    return bytes[body] === 0xff;
  },
);

/** OCTET STRING. The decoded bytes are a copy. */
export const octetString: Codec<Bytes> = primitive(
  "OCTET STRING",
  4,
  (value) => value,
  ({ bytes, body, end }) => bytes.slice(body, end),
);

/** Value of a BIT STRING. */
export interface BitString {
  /** The bytes; the first bit is the high bit of the first byte. */
  readonly bytes: Bytes;
  /** Number of unused bits in the last byte, 0 to 7. */
  readonly unused: number;
}

/** BIT STRING. */
export const bitString: Codec<BitString> = primitive(
  "BIT STRING",
  3,
  ({ bytes, unused }) => {
    const contents = new Uint8Array(1 + bytes.length);
    contents[0] = unused;
    contents.set(bytes, 1);
    return contents;
  },
  (reader) => Object.freeze({ unused: unusedBits(reader), bytes: reader.bytes.slice(reader.body + 1, reader.end) }),
);

/** Returns the first byte of a BIT STRING, and checks that its contents are well-formed. */
export function unusedBits({ bytes, body, end, path }: DerReader): number {
  const unused = bytes[body]!;
  if (body === end || unused > 7 || (unused > 0 && end - body === 1)) throw path.error("BIT STRING is malformed");
  return unused;
}

/**
 * GeneralString as Kerberos uses it: UTF-8 (RFC 4120 section 5.2.1 asks for IA5, but every implementation sends UTF-8). Text
 * that is not UTF-8 is refused, because two different principals must never have the same text.
 */
export const generalString: Codec<string> = primitive(
  "GeneralString",
  27,
  utf8,
  (reader) => {
    const { bytes, body, end } = reader;
    let ascii = end - body <= 64;
    for (let at = body; ascii && at < end; at++) ascii = bytes[at]! < 0x80;
    if (ascii) return String.fromCharCode.apply(null, reader.contents as unknown as number[]);
    try {
      return exactText(reader.contents);
    } catch (error) {
      throw reader.path.error("text is not UTF-8", { cause: error });
    }
  },
);

/** GeneralizedTime as `YYYYMMDDhhmmssZ` (RFC 4120 section 5.2.3: UTC, no fractions), in milliseconds since the epoch. */
export const generalizedTime: Codec<number> = primitive("GeneralizedTime", 24, timeContents, timeValue);

/** OBJECT IDENTIFIER in dotted form, for example `1.2.840.113554.1.2.2`. */
export const objectIdentifier: Codec<string> = primitive(
  "OBJECT IDENTIFIER",
  6,
  (value, path) => oidContents(value, path),
  ({ contents, path }) => oidText(contents, path),
);

/** Any element, as its exact bytes: for data under a checksum, and data that is forwarded unread. */
export const anyElement: Codec<Bytes> = {
  name: "ANY",
  identifier: undefined,
  write(writer, value): void {
    if (readingEngine().check(value, writer.path.toString()) !== value.length) {
      throw writer.path.error("trailing bytes");
    }
    writer.whole(value);
  },
  read: (reader) => reader.copy(),
};

const SEQUENCE = TagClass.Universal | CONSTRUCTED | 16;

/** SEQUENCE OF, with at most `maximum` elements. */
export function sequenceOf<T>(name: string, element: Codec<T>, maximum = 1000): Codec<readonly T[]> {
  return {
    name,
    identifier: SEQUENCE,
    write(writer, value): void {
      const begun = writer.begin();
      for (let i = value.length - 1; i >= 0; i--) {
        writer.path.enter(i);
        element.write(writer, value[i]!);
        writer.path.leave();
      }
      writer.end(SEQUENCE, begun);
    },
    read(reader): readonly T[] {
      const { body, end, path } = reader;
      let count = 0;
      for (let at = body; at < end; at = reader.end, count++) reader.open(at);
      if (count > maximum) throw path.error(`${count} elements, at most ${maximum} are taken`);
      const items: T[] = [];
      for (let at = body; at < end;) {
        reader.open(at);
        at = reader.end;
        path.enter(items.length);
        items.push(readElement(element, reader));
        path.leave();
      }
      return Object.freeze(items);
    },
  };
}

function tagged<T>(tagClass: number, tagNumber: number, inner: Codec<T>): Codec<T> {
  const identifier = tagClass | CONSTRUCTED | tagNumber;
  return {
    name: inner.name,
    identifier,
    write(writer, value): void {
      const begun = writer.begin();
      inner.write(writer, value);
      writer.end(identifier, begun);
    },
    read(reader): T {
      const { body, end } = reader;
      if (body < end) reader.open(body);
      if (body === end || reader.end < end) throw reader.path.error("explicit tag must hold one element");
      return readElement(inner, reader);
    },
  };
}

/** `[number] EXPLICIT`, the tag of every field of a Kerberos message. */
export function explicit<T>(number: number, inner: Codec<T>): Codec<T> {
  return tagged(TagClass.Context, number, inner);
}

/** `[APPLICATION number] EXPLICIT`, the tag of every Kerberos message. `name` is the name of the message. */
export function application<T>(number: number, name: string, inner: Codec<T>): Codec<T> {
  return { ...tagged(TagClass.Application, number, inner), name };
}

/** The same type with the larger limit of elements, for messages of a KDC and decrypted data. */
export function vouched<T>(codec: Codec<T>): Codec<T> {
  return { ...codec, elements: VOUCHED_ELEMENTS };
}

/** The same type, for requests of our own that are rare. See `choose.ts`. */
export function rarelyWritten<T>(codec: Codec<T>): Codec<T> {
  return { ...codec, rarelyWritten: true };
}

/** A field that may be absent. */
export function optional<T>(inner: Codec<T>): OptionalCodec<T | undefined> {
  return { ...inner as Codec<T | undefined>, optional: true };
}

/** Codecs of the fields of `T`, in the order of the ASN.1 text. */
export type Fields<T> = { readonly [K in keyof T]-?: Codec<NonNullable<T[K]>> | OptionalCodec<T[K] | undefined> };

/** Options of {@linkcode sequence}. */
export interface SequenceOptions {
  /** ASN.1 names of the fields whose name is not the hyphenated form of the property. */
  readonly names?: Readonly<Record<string, string>> | undefined;
}

/** Property under which a decoded sequence keeps the elements behind its known fields, each as its exact bytes. */
const EXTENSIONS = Symbol("extensions");

/**
 * SEQUENCE of named fields. A decoded value is frozen and has no property for an absent field.
 *
 * Elements behind the known fields are extensions: they are kept, written again behind the fields of the decoded value and of
 * its copies, and otherwise ignored (RFC 4120 section 1.5.1; the extension markers of RFC 4178). An element there with the tag
 * of a known field is repeated or out of order, and is refused.
 */
export function sequence<T extends object>(name: string, fields: Fields<T>, options: SequenceOptions = {}): Codec<T> {
  const entries = Object.entries<Codec<unknown>>(fields as never).map(([key, codec]) => ({
    key,
    codec,
    label: options.names?.[key] ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    optional: "optional" in codec,
  }));
  const backward = entries.toReversed();
  /** The elements from `at` to `end`, behind the known fields. */
  const extensions = (reader: DerReader, from: number, end: number): readonly Bytes[] => {
    const found: Bytes[] = [];
    for (let at = from; at < end; at = reader.end) {
      reader.open(at);
      const { identifier } = reader;
      if (entries.some(({ codec }) => codec.identifier === identifier)) {
        throw reader.path.error(`element ${describeIdentifier(identifier)} is repeated or out of order`);
      }
      found.push(reader.copy());
    }
    return Object.freeze(found);
  };
  return {
    name,
    identifier: SEQUENCE,
    write(writer, value): void {
      const begun = writer.begin();
      const kept = (value as { readonly [EXTENSIONS]?: readonly Bytes[] })[EXTENSIONS];
      for (const whole of kept?.toReversed() ?? []) writer.whole(whole);
      for (const { key, codec, label, optional } of backward) {
        const field = (value as Record<string, unknown>)[key];
        if (field === undefined && optional) continue;
        writer.path.enter(label);
        if (field === undefined) throw writer.path.error("field is missing");
        codec.write(writer, field);
        writer.path.leave();
      }
      writer.end(SEQUENCE, begun);
    },
    read(reader): T {
      const { body, end, path } = reader;
      const value: Record<string | symbol, unknown> = {};
      let at = body;
      for (const { key, codec, label, optional } of entries) {
        const there = at < end;
        if (there) reader.open(at);
        if (there && (codec.identifier === undefined || codec.identifier === reader.identifier)) {
          at = reader.end;
          path.enter(label);
          value[key] = codec.read(reader);
          path.leave();
        } else if (!optional) {
          path.enter(label);
          throw there ? tagError(codec, reader) : path.error("field is missing");
        }
      }
      if (at < end) value[EXTENSIONS] = extensions(reader, at, end);
      return Object.freeze(value) as T;
    },
  };
}
