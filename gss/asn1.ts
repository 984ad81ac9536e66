/**
 * Typed ASN.1 codecs in DER (ITU-T X.690), built from combinators.
 *
 * asn1js splits octets into a tree and joins a tree into octets; it validates nothing that matters here, so every rule is
 * checked here and in `der_contents.ts`: definite and minimal lengths, elements within the ones around them, no trailing
 * octets, explicit tags in order, integers by range and in their shortest form, times by form and by calendar, nothing left
 * over in a closed SEQUENCE. A failure is an {@linkcode Asn1Error} that says where (`AP-REQ.ticket.enc-part.etype`). This
 * is the only importer of asn1js.
 *
 * @module
 */
import * as asn1js from "asn1js";
import { asBytes, type Bytes } from "./bytes.ts";
import {
  Asn1Error,
  integerContents,
  integerValue,
  oidContents,
  oidText,
  timeContents,
  timeValue,
} from "./der_contents.ts";

export { Asn1Error, oidBytes, oidText } from "./der_contents.ts";

type Node = asn1js.BaseBlock;
const UNIVERSAL = 1;
const APPLICATION = 2;
const CONTEXT = 3;

/** Messages come from the network before anybody is authenticated: asn1js stops at these. */
const LIMITS = { maxDepth: 32, maxNodes: 20_000, maxContentLength: 16 * 1024 * 1024 };

/** Encodes and decodes one ASN.1 type. */
export interface Codec<T> {
  /** ASN.1 name of the type, the first part of error paths. */
  readonly name: string;
  /** Identifier that the encoding starts with; `undefined` where any may stand. */
  readonly tag: { readonly class: number; readonly number: number; readonly constructed: boolean } | undefined;
  /** @internal */
  toNode(value: T, path: string): Node;
  /** @internal */
  fromNode(node: Node, path: string): T;
}

/** Codec of a field that may be absent; `undefined` stands for absence. */
export interface OptionalCodec<T> extends Codec<T> {
  readonly optional: true;
}

/** DER octets of `value`. Throws {@linkcode Asn1Error} where the type cannot hold it. */
export function encode<T>(codec: Codec<T>, value: T): Bytes {
  return new Uint8Array(codec.toNode(value, codec.name).toBER());
}

/** The value whose DER encoding is exactly `bytes`. Throws {@linkcode Asn1Error} for anything else. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const { node, length } = parse(codec.name, bytes);
  if (length !== bytes.length) throw new Asn1Error(codec.name, `${bytes.length - length} trailing octets`);
  return decodeNode(codec, node, codec.name);
}

/** The APPLICATION tag number that the octets start with, without looking further; `undefined` where they do not. */
export function applicationTag(bytes: Uint8Array): number | undefined {
  const first = bytes[0];
  return first !== undefined && (first & 0xe0) === 0x60 && (first & 0x1f) !== 0x1f ? first & 0x1f : undefined;
}

function parse(path: string, bytes: Uint8Array): { node: Node; length: number } {
  let parsed: ReturnType<typeof asn1js.fromBER>;
  try {
    parsed = asn1js.fromBER(asBytes(bytes), LIMITS);
  } catch (error) {
    throw new Asn1Error(path, "not DER", { cause: error });
  }
  if (parsed.offset === -1) throw new Asn1Error(path, "not DER, or cut short");
  const length = wholeLength(parsed.result);
  if (length > bytes.length) throw new Asn1Error(path, "cut short");
  return { node: parsed.result, length };
}

function decodeNode<T>(codec: Codec<T>, node: Node, path: string): T {
  checkLength(node, path);
  const { tag } = codec;
  if (tag !== undefined && !hasTag(node, tag)) {
    throw new Asn1Error(path, `tag ${describeTag(codec.tag)} wanted, ${describeNode(node)} there`);
  }
  return codec.fromNode(node, path);
}

/** X.690 section 10.1: definite form, in as few octets as it takes. */
function checkLength(node: Node, path: string): void {
  const { isIndefiniteForm, length, blockLength } = node.lenBlock;
  const minimal = length < 128 ? 1 : 1 + Math.ceil((32 - Math.clz32(length)) / 8);
  if (isIndefiniteForm || blockLength !== minimal) throw new Asn1Error(path, "length is not in DER form");
  if (!node.idBlock.isConstructed) return;
  // asn1js reads an element to its own end, whether or not that is within the one around it.
  const inside = children(node)?.reduce((sum, child) => sum + wholeLength(child), 0);
  if (inside === undefined) throw new Asn1Error(path, "primitive type in constructed form");
  if (inside !== length) throw new Asn1Error(path, `elements of ${inside} octets in ${length}`);
}

/** Octets of an element by its own header. */
function wholeLength(node: Node): number {
  return node.idBlock.blockLength + node.lenBlock.blockLength + node.lenBlock.length;
}

function hasTag(node: Node, tag: NonNullable<Codec<unknown>["tag"]>): boolean {
  const { idBlock } = node;
  return idBlock.tagClass === tag.class && idBlock.tagNumber === tag.number &&
    idBlock.isConstructed === tag.constructed;
}

function describeNode(node: Node): string {
  const { tagClass, tagNumber, isConstructed } = node.idBlock;
  return describeTag({ class: tagClass, number: tagNumber, constructed: isConstructed });
}

function describeTag(tag: Codec<unknown>["tag"]): string {
  if (tag === undefined) return "any";
  const name = ["?", "UNIVERSAL", "APPLICATION", "CONTEXT", "PRIVATE"][tag.class] ?? "?";
  return `[${name} ${tag.number}]`;
}

/** Contents octets of a primitive node: what follows identifier and length. */
function contents(node: Node): Bytes {
  const whole = node.valueBeforeDecodeView;
  return whole.subarray(whole.length - node.lenBlock.length) as Bytes;
}

/** Elements of a constructed node; `undefined` for a type that has none. */
function children(node: Node): Node[] | undefined {
  const { value } = (node as asn1js.Constructed).valueBlock;
  return Array.isArray(value) ? value as Node[] : undefined;
}

function primitiveNode(tagClass: number, tagNumber: number, valueHex: Uint8Array): Node {
  return new asn1js.Primitive({ idBlock: { tagClass, tagNumber }, valueHex: asBytes(valueHex) });
}

function constructedNode(tagClass: number, tagNumber: number, value: Node[]): Node {
  return new asn1js.Constructed({
    idBlock: { tagClass, tagNumber },
    value: value as unknown as asn1js.AsnType[],
  } as asn1js.ConstructedParams);
}

/** A codec for a primitive type out of two functions over its contents octets. */
function primitive<T>(
  name: string,
  tagNumber: number,
  write: (value: T, path: string) => Uint8Array,
  read: (bytes: Bytes, path: string) => T,
): Codec<T> {
  return {
    name,
    tag: { class: UNIVERSAL, number: tagNumber, constructed: false },
    toNode: (value, path) => primitiveNode(UNIVERSAL, tagNumber, write(value, path)),
    fromNode: (node, path) => read(contents(node), path),
  };
}

/** INTEGER from `minimum` to `maximum`, both included. Both must be safe integers. */
export function integer(name: string, minimum: number, maximum: number, tagNumber = 2): Codec<number> {
  return primitive(name, tagNumber, (value, path) => {
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      throw new Asn1Error(path, `${value} is outside ${minimum}..${maximum}`);
    }
    return integerContents(BigInt(value));
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

/** OCTET STRING. The decoded octets are a copy. */
export const octetString: Codec<Bytes> = primitive("OCTET STRING", 4, (value) => value, (bytes) => bytes.slice());

/** BIT STRING, with its number of unused bits. */
export interface BitString {
  /** The octets, first bit in the high bit of the first one. */
  readonly bytes: Bytes;
  /** Bits of the last octet that do not count, 0 to 7. */
  readonly unused: number;
}

/** BIT STRING. */
export const bitString: Codec<BitString> = primitive(
  "BIT STRING",
  3,
  (value) => Uint8Array.of(value.unused, ...value.bytes),
  (bytes, path) => {
    const unused = bytes[0];
    if (unused === undefined || unused > 7 || (unused > 0 && bytes.length === 1)) {
      throw new Asn1Error(path, "BIT STRING is malformed");
    }
    return Object.freeze({ bytes: bytes.slice(1), unused });
  },
);

/**
 * GeneralString as Kerberos uses it: octets that are meant as UTF-8 (RFC 4120 section 5.2.1 asks for IA5, every
 * implementation sends UTF-8). Text that is not UTF-8 is refused, because two principals must never read as the same one.
 */
export const generalString: Codec<string> = primitive(
  "GeneralString",
  27,
  (value) => new TextEncoder().encode(value),
  (bytes, path) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
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

/** Any element, kept as its exact octets: for what a checksum covers, or what is handed on unread. */
export const anyElement: Codec<Bytes> = {
  name: "ANY",
  tag: undefined,
  toNode(value, path): Node {
    const { node, length } = parse(path, value);
    if (length !== value.length) throw new Asn1Error(path, "trailing octets");
    const copy = primitiveNode(node.idBlock.tagClass, node.idBlock.tagNumber, contents(node));
    copy.idBlock.isConstructed = node.idBlock.isConstructed;
    return copy;
  },
  fromNode: (node) => node.valueBeforeDecodeView.slice() as Bytes,
};

/** SEQUENCE OF, with `maximum` elements at most. */
export function sequenceOf<T>(name: string, element: Codec<T>, maximum = 1000): Codec<readonly T[]> {
  return {
    name,
    tag: { class: UNIVERSAL, number: 16, constructed: true },
    toNode: (value, path) =>
      constructedNode(UNIVERSAL, 16, value.map((item, i) => element.toNode(item, `${path}[${i}]`))),
    fromNode(node, path): readonly T[] {
      const items = children(node)!;
      if (items.length > maximum) throw new Asn1Error(path, `${items.length} elements, at most ${maximum} are taken`);
      return Object.freeze(items.map((item, i) => decodeNode(element, item, `${path}[${i}]`)));
    },
  };
}

function tagged<T>(tagClass: number, number: number, inner: Codec<T>): Codec<T> {
  return {
    name: inner.name,
    tag: { class: tagClass, number, constructed: true },
    toNode: (value, path) => constructedNode(tagClass, number, [inner.toNode(value, path)]),
    fromNode(node, path): T {
      const [only, ...more] = children(node)!;
      if (only === undefined || more.length > 0) throw new Asn1Error(path, "explicit tag must hold one element");
      return decodeNode(inner, only, path);
    },
  };
}

/** `[number] EXPLICIT`: how every field of a Kerberos message is tagged. */
export function explicit<T>(number: number, inner: Codec<T>): Codec<T> {
  return tagged(CONTEXT, number, inner);
}

/** `[APPLICATION number] EXPLICIT`: how every Kerberos message is tagged. The name is that of the message. */
export function application<T>(number: number, name: string, inner: Codec<T>): Codec<T> {
  return { ...tagged(APPLICATION, number, inner), name };
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
  readonly extensible?: boolean;
  /** Names of the fields in the ASN.1 text where they are not the hyphenated form of the property. */
  readonly names?: Readonly<Record<string, string>>;
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
    tag: { class: UNIVERSAL, number: 16, constructed: true },
    toNode(value, path): Node {
      const nodes: Node[] = [];
      for (const { key, codec, label, optional } of entries) {
        const field = (value as Record<string, unknown>)[key];
        if (field !== undefined) nodes.push(codec.toNode(field, `${path}.${label}`));
        else if (!optional) throw new Asn1Error(`${path}.${label}`, "field is missing");
      }
      return constructedNode(UNIVERSAL, 16, nodes);
    },
    fromNode(node, path): T {
      const items = children(node)!;
      const value: Record<string, unknown> = {};
      let at = 0;
      for (const { key, codec, label, optional } of entries) {
        const item = items[at];
        const present = item !== undefined && (codec.tag === undefined || hasTag(item, codec.tag));
        if (present) {
          value[key] = decodeNode(codec, item, `${path}.${label}`);
          at++;
        } else if (!optional) {
          throw new Asn1Error(
            `${path}.${label}`,
            item === undefined
              ? "field is missing"
              : `tag ${describeTag(codec.tag)} wanted, ${describeNode(item)} there`,
          );
        }
      }
      if (at < items.length && !options.extensible) {
        throw new Asn1Error(path, `unexpected element ${describeNode(items[at]!)} behind the last field`);
      }
      return Object.freeze(value) as T;
    },
  };
}
