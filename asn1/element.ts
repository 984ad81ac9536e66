/**
 * ASN.1 encodings as trees of elements, between bytes and codecs.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";

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
  /** Contents bytes. */
  readonly contents: Bytes;
  /** Elements in it, none in a primitive one. */
  readonly children: readonly Element[];
  /** All its bytes. */
  readonly whole: Bytes;
}

/** An element to be written: of contents, of elements, or as bytes that are one already. */
export type NewElement =
  | (Tag & { readonly contents: Uint8Array })
  | (Tag & { readonly children: readonly NewElement[] })
  | { readonly whole: Bytes };

/** How much is read, and in which form. */
export interface ReadOptions {
  /** Elements at most, all told. @default {STRANGER_ELEMENTS} */
  readonly elements?: number | undefined;
  /**
   * Whether lengths may be written in more bytes than they take, as in `84 00 00 00 2c`. Not DER, but what some peers put
   * around their tokens; only the syntax by hand knows it.
   *
   * @default {false}
   */
  readonly longLengths?: boolean | undefined;
}

/** Reads and writes trees. */
export interface ElementSyntax {
  /** The element that the bytes start with. Throws `Asn1Error` where its encoding is not DER, or more than the options allow. */
  read(bytes: Bytes, path: string, options?: ReadOptions): Element;
  /** The DER bytes of an element. */
  write(element: NewElement): Bytes;
}

/** Reading stops at elements that lie deeper (CVE-2020-28196) or are larger. */
export const ELEMENT_LIMITS = { depth: 32, bytes: 16_777_216 } as const;

/**
 * Elements of what anybody may send before it is known who he is: an AP-REQ has some fifty, the fullest offer of SPNEGO
 * forty. Reading stops here, however many bytes are left.
 */
export const STRANGER_ELEMENTS = 400;

/** Elements of what a KDC answers, and of what a key has vouched for: lists of 256 entries fit, two of them in one message. */
export const VOUCHED_ELEMENTS = 4_000;
