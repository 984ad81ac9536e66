/**
 * Combinators that build codecs: the primitive types, SEQUENCE, SEQUENCE OF and explicit tags.
 *
 * @module
 */
import { type Bytes, concat, exactText, utf8 } from "../base/bytes.ts";
import { readingEngine } from "./choose.ts";
import { type Codec, decodeElement, describeTag, hasTag } from "./codec.ts";
import { integerContents, integerValue, oidContents, oidText, timeContents, timeValue } from "./contents.ts";
import { type Element, type NewElement, type Tag, TagClass, VOUCHED_ELEMENTS } from "./element.ts";
import { Asn1Error } from "./errors.ts";

/** Codec of a field that may be absent; `undefined` stands for absence. */
export interface OptionalCodec<T> extends Codec<T> {
  readonly optional: true;
}

/** Returns the codec of a primitive type from two functions over its contents bytes. */
function primitive<T>(
  name: string,
  tagNumber: number,
  write: (value: T, path: string) => Uint8Array,
  read: (bytes: Bytes, path: string) => T,
): Codec<T> {
  const tag = { tagClass: TagClass.Universal, tagNumber, constructed: false };
  return {
    name,
    tag,
    toElement: (value, path) => ({ ...tag, contents: write(value, path) }),
    fromElement: (element, path) => read(element.contents, path),
  };
}

/** INTEGER from `minimum` to `maximum`, both included. Both must be safe integers. */
export function integer(name: string, minimum: number, maximum: number, tagNumber = 2): Codec<number> {
  return primitive(name, tagNumber, (value, path) => {
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      throw new Asn1Error(path, `${value} is outside ${minimum}..${maximum}`);
    }
    return integerContents(value);
  }, (bytes, path) => {
    const value = integerValue(bytes, path);
    if (value < minimum || value > maximum) throw new Asn1Error(path, `${value} is outside ${minimum}..${maximum}`);
    return Number(value);
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
  (bytes, path) => {
    if (bytes.length !== 1 || (bytes[0] !== 0 && bytes[0] !== 0xff)) {
      throw new Asn1Error(path, "BOOLEAN is not in DER form");
    }
    return bytes[0] === 0xff;
  },
);

/** OCTET STRING. The decoded bytes are a copy. */
export const octetString: Codec<Bytes> = primitive("OCTET STRING", 4, (value) => value, (bytes) => bytes.slice());

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
  (value) => concat(Uint8Array.of(value.unused), value.bytes),
  (bytes, path) => {
    const unused = bytes[0];
    if (unused === undefined || unused > 7 || (unused > 0 && bytes.length === 1)) {
      throw new Asn1Error(path, "BIT STRING is malformed");
    }
    return Object.freeze({ bytes: bytes.slice(1), unused });
  },
);

/**
 * GeneralString as Kerberos uses it: UTF-8 (RFC 4120 section 5.2.1 asks for IA5, but every implementation sends UTF-8). Text
 * that is not UTF-8 is refused, because two different principals must never have the same text.
 */
export const generalString: Codec<string> = primitive(
  "GeneralString",
  27,
  utf8,
  (bytes, path) => {
    if (bytes.length <= 64 && bytes.every((byte) => byte < 0x80)) return String.fromCharCode(...bytes);
    try {
      return exactText(bytes);
    } catch (error) {
      throw new Asn1Error(path, "text is not UTF-8", { cause: error });
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
  (bytes, path) => oidText(bytes, path),
);

/** Any element, as its exact bytes: for data under a checksum, and data that is forwarded unread. */
export const anyElement: Codec<Bytes> = {
  name: "ANY",
  tag: undefined,
  toElement(value, path): NewElement {
    if (readingEngine().read(value, path).whole.length !== value.length) throw new Asn1Error(path, "trailing bytes");
    return { whole: value };
  },
  fromElement: (element) => element.whole.slice(),
};

const SEQUENCE: Tag = { tagClass: TagClass.Universal, tagNumber: 16, constructed: true };

/** SEQUENCE OF, with at most `maximum` elements. */
export function sequenceOf<T>(name: string, element: Codec<T>, maximum = 1000): Codec<readonly T[]> {
  return {
    name,
    tag: SEQUENCE,
    toElement: (value, path) => ({
      ...SEQUENCE,
      children: value.map((item, i) => element.toElement(item, `${path}[${i}]`)),
    }),
    fromElement({ children }, path): readonly T[] {
      if (children.length > maximum) {
        throw new Asn1Error(path, `${children.length} elements, at most ${maximum} are taken`);
      }
      return Object.freeze(children.map((item, i) => decodeElement(element, item, `${path}[${i}]`)));
    },
  };
}

function tagged<T>(tagClass: number, tagNumber: number, inner: Codec<T>): Codec<T> {
  const tag = { tagClass, tagNumber, constructed: true };
  return {
    name: inner.name,
    tag,
    toElement: (value, path) => ({ ...tag, children: [inner.toElement(value, path)] }),
    fromElement({ children }, path): T {
      const [only, ...more] = children;
      if (only === undefined || more.length > 0) throw new Asn1Error(path, "explicit tag must hold one element");
      return decodeElement(inner, only, path);
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
  /** The elements behind the known fields. */
  const extensions = (elements: readonly Element[], path: string): readonly Bytes[] => {
    const known = elements.find((element) => entries.some(({ codec }) => codec.tag && hasTag(element, codec.tag)));
    if (known) throw new Asn1Error(path, `element ${describeTag(known)} is repeated or out of order`);
    return Object.freeze(elements.map(({ whole }) => whole.slice()));
  };
  return {
    name,
    tag: SEQUENCE,
    toElement(value, path): NewElement {
      const children: NewElement[] = [];
      for (const { key, codec, label, optional } of entries) {
        const field = (value as Record<string, unknown>)[key];
        if (field !== undefined) children.push(codec.toElement(field, `${path}.${label}`));
        else if (!optional) throw new Asn1Error(`${path}.${label}`, "field is missing");
      }
      const kept = (value as { readonly [EXTENSIONS]?: readonly Bytes[] })[EXTENSIONS] ?? [];
      return { ...SEQUENCE, children: [...children, ...kept.map((whole) => ({ whole }))] };
    },
    fromElement({ children }, path): T {
      const value: Record<string | symbol, unknown> = {};
      let at = 0;
      for (const { key, codec, label, optional } of entries) {
        const item = children[at];
        const present = item !== undefined && (codec.tag === undefined || hasTag(item, codec.tag));
        if (present) {
          value[key] = decodeElement(codec, item, `${path}.${label}`);
          at++;
        } else if (!optional) {
          throw new Asn1Error(
            `${path}.${label}`,
            item === undefined
              ? "field is missing"
              : `tag ${describeTag(codec.tag)} wanted, ${describeTag(item)} there`,
          );
        }
      }
      if (at < children.length) value[EXTENSIONS] = extensions(children.slice(at), path);
      return Object.freeze(value) as T;
    },
  };
}
