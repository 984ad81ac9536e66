/**
 * ASN.1 encodings as trees of elements, between octets and codecs.
 *
 * @module
 */
import type { Bytes } from "./bytes.ts";

/** Classes of tags (X.690 section 8.1.2.2), as asn1js numbers them. */
export const TagClass = { Universal: 1, Application: 2, Context: 3, Private: 4 } as const;

/** What an element starts with. */
export interface Tag {
  /** One of {@linkcode TagClass}. */
  readonly tagClass: number;
  /** Number, 30 at most: no type of Kerberos or GSS-API has a larger one. */
  readonly tagNumber: number;
  /** Whether there are elements in it. */
  readonly constructed: boolean;
}

/** An element that was read, its encoding found to be DER all the way down. */
export interface Element extends Tag {
  /** Contents octets. */
  readonly contents: Bytes;
  /** Elements in it, none in a primitive one. */
  readonly children: readonly Element[];
  /** All its octets. */
  readonly whole: Bytes;
}

/** An element to be written: of contents, of elements, or as octets that are one already. */
export type NewElement =
  | (Tag & { readonly contents: Uint8Array })
  | (Tag & { readonly children: readonly NewElement[] })
  | { readonly whole: Bytes };

/** Reads and writes trees. */
export interface ElementSyntax {
  /** The element that the octets start with. Throws `Asn1Error` where its encoding is not DER. */
  read(bytes: Bytes, path: string): Element;
  /** The DER octets of an element. */
  write(element: NewElement): Bytes;
}

/** Messages come from the network before anybody is authenticated: reading stops at these. */
export const ELEMENT_LIMITS = { depth: 32, elements: 20_000, octets: 16_777_216 } as const;
