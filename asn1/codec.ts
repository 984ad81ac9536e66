/**
 * Typed ASN.1 codecs in DER (ITU-T X.690), built from combinators over trees of elements.
 *
 * Every rule is checked: definite and minimal lengths and elements within the ones around them where the tree is read, and
 * here and in `der_contents.ts` trailing bytes, explicit tags in order, integers by range and in their shortest form, times
 * by form and by calendar, nothing left over in a closed SEQUENCE. A failure is an {@linkcode Asn1Error} that says where
 * (`AP-REQ.ticket.enc-part.etype`).
 *
 * @module
 */
import { asn1jsSyntax } from "./asn1js.ts";
import { asBytes, type Bytes, concat, exactText, utf8 } from "../base/bytes.ts";
import { Asn1Error, integerContents, integerValue, oidContents, oidText, timeContents, timeValue } from "./contents.ts";
import { derSyntax } from "./der.ts";
import {
  type Element,
  type ElementSyntax,
  type NewElement,
  type ReadOptions,
  type Tag,
  TagClass,
  VOUCHED_ELEMENTS,
} from "./element.ts";

export { Asn1Error, oidBytes, oidText } from "./contents.ts";

/** Encodes and decodes one ASN.1 type. */
export interface Codec<T> {
  /** ASN.1 name of the type, the first part of error paths. */
  readonly name: string;
  /** Identifier that the encoding starts with; `undefined` where any may stand. */
  readonly tag: Tag | undefined;
  /** Elements that a message of this type may have, all told. @default {STRANGER_ELEMENTS} */
  readonly elements?: number;
  /** @internal */
  toElement(value: T, path: string): NewElement;
  /** @internal */
  fromElement(element: Element, path: string): T;
}

/** Codec of a field that may be absent; `undefined` stands for absence. */
export interface OptionalCodec<T> extends Codec<T> {
  readonly optional: true;
}

/** DER bytes of `value`. Throws {@linkcode Asn1Error} where the type cannot hold it. */
export function encode<T>(codec: Codec<T>, value: T): Bytes {
  return encodeBy(derSyntax, codec, value);
}

/**
 * The value whose DER encoding is exactly `bytes`. Throws {@linkcode Asn1Error} for anything else, and for more elements than
 * the codec says, 400 where it says nothing.
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, options?: Pick<ReadOptions, "longLengths">): T {
  return decodeBy(derSyntax, codec, bytes, options);
}

/**
 * Same as {@linkcode encode}, through asn1js: for what we ask others ourselves, a few times in a day. What others make us
 * write does not go this way, since it costs a hundred times as much.
 */
export function encodeByAsn1js<T>(codec: Codec<T>, value: T): Bytes {
  return encodeBy(asn1jsSyntax, codec, value);
}

/** {@linkcode encode} through a syntax of choice. */
export function encodeBy<T>(syntax: ElementSyntax, codec: Codec<T>, value: T): Bytes {
  return syntax.write(codec.toElement(value, codec.name));
}

/** {@linkcode decode} through a syntax of choice. */
export function decodeBy<T>(
  syntax: ElementSyntax,
  codec: Codec<T>,
  bytes: Uint8Array,
  options?: Pick<ReadOptions, "longLengths">,
): T {
  const element = syntax.read(asBytes(bytes), codec.name, { ...options, elements: codec.elements });
  const trailing = bytes.length - element.whole.length;
  if (trailing > 0) throw new Asn1Error(codec.name, `${trailing} trailing bytes`);
  return decodeElement(codec, element, codec.name);
}

/** The APPLICATION tag number that the bytes start with, without looking further; `undefined` where they do not. */
export function applicationTag(bytes: Uint8Array): number | undefined {
  const first = bytes[0];
  return first !== undefined && (first & 0xe0) === 0x60 && (first & 0x1f) !== 0x1f ? first & 0x1f : undefined;
}

function decodeElement<T>(codec: Codec<T>, element: Element, path: string): T {
  const { tag } = codec;
  if (tag !== undefined && !hasTag(element, tag)) {
    throw new Asn1Error(path, `tag ${describeTag(tag)} wanted, ${describeTag(element)} there`);
  }
  return codec.fromElement(element, path);
}

function hasTag(element: Tag, tag: Tag): boolean {
  return element.tagClass === tag.tagClass && element.tagNumber === tag.tagNumber &&
    element.constructed === tag.constructed;
}

function describeTag(tag: Tag | undefined): string {
  if (tag === undefined) return "any";
  const name = Object.keys(TagClass)[tag.tagClass - 1] ?? "?";
  return `[${name.toUpperCase()} ${tag.tagNumber}]`;
}

/** A codec for a primitive type out of two functions over its contents bytes. */
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
      throw new Asn1Error(
        path,
        "BOOLEAN is not in DER form",
      );
    }
    return bytes[0] === 0xff;
  },
);

/** OCTET STRING. The decoded bytes are a copy. */
export const octetString: Codec<Bytes> = primitive("OCTET STRING", 4, (value) => value, (bytes) => bytes.slice());

/** BIT STRING, with its number of unused bits. */
export interface BitString {
  /** The bytes, first bit in the high bit of the first one. */
  readonly bytes: Bytes;
  /** Bits of the last byte that do not count, 0 to 7. */
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
 * GeneralString as Kerberos uses it: bytes that are meant as UTF-8 (RFC 4120 section 5.2.1 asks for IA5, every
 * implementation sends UTF-8). Text that is not UTF-8 is refused, because two principals must never read as the same one.
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

/** Any element, kept as its exact bytes: for what a checksum covers, or what is handed on unread. */
export const anyElement: Codec<Bytes> = {
  name: "ANY",
  tag: undefined,
  toElement(value, path): NewElement {
    if (derSyntax.read(value, path).whole.length !== value.length) throw new Asn1Error(path, "trailing bytes");
    return { whole: value };
  },
  fromElement: (element) => element.whole.slice(),
};

const SEQUENCE: Tag = { tagClass: TagClass.Universal, tagNumber: 16, constructed: true };

/** SEQUENCE OF, with `maximum` elements at most. */
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

/** `[number] EXPLICIT`: how every field of a Kerberos message is tagged. */
export function explicit<T>(number: number, inner: Codec<T>): Codec<T> {
  return tagged(TagClass.Context, number, inner);
}

/** `[APPLICATION number] EXPLICIT`: how every Kerberos message is tagged. The name is that of the message. */
export function application<T>(number: number, name: string, inner: Codec<T>): Codec<T> {
  return { ...tagged(TagClass.Application, number, inner), name };
}

/** The same type for messages of a KDC, and for what was opened with a key: with as many elements as their lists take. */
export function vouched<T>(codec: Codec<T>): Codec<T> {
  return { ...codec, elements: VOUCHED_ELEMENTS };
}

/** A field that may be absent. */
export function optional<T>(inner: Codec<T>): OptionalCodec<T | undefined> {
  return { ...inner as Codec<T | undefined>, optional: true };
}

/** Codec of each field of `T`, in the order of the ASN.1 text. */
export type Fields<T> = { readonly [K in keyof T]-?: Codec<NonNullable<T[K]>> | OptionalCodec<T[K] | undefined> };

/** What {@linkcode sequence} may be told beside the fields. */
export interface SequenceOptions {
  /**
   * Whether elements behind the known ones are passed over: for types whose ASN.1 text ends in an extension marker.
   *
   * @default {false}
   */
  readonly extensible?: boolean | undefined;
  /** Names of the fields in the ASN.1 text where they are not the hyphenated form of the property. */
  readonly names?: Readonly<Record<string, string>> | undefined;
}

/** SEQUENCE of named fields. Decoded values are frozen, and absent optional fields are left out. */
export function sequence<T extends object>(name: string, fields: Fields<T>, options: SequenceOptions = {}): Codec<T> {
  const entries = Object.entries<Codec<unknown>>(fields as never).map(([key, codec]) => ({
    key,
    codec,
    label: options.names?.[key] ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    optional: "optional" in codec,
  }));
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
      return { ...SEQUENCE, children };
    },
    fromElement({ children }, path): T {
      const value: Record<string, unknown> = {};
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
      if (at < children.length && !options.extensible) {
        throw new Asn1Error(path, `unexpected element ${describeTag(children[at])} behind the last field`);
      }
      return Object.freeze(value) as T;
    },
  };
}
