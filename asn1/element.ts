/**
 * Trees of elements: the form of an encoding between bytes and codecs, and the interface of the engines that read and write it.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";

/** Classes of tags (X.690 section 8.1.2.2), as asn1js numbers them. */
export const TagClass = { Universal: 1, Application: 2, Context: 3, Private: 4 } as const;

/** Identifier of an element. */
export interface Tag {
  /** One of {@linkcode TagClass}. */
  readonly tagClass: number;
  /** Number, at most 30: no type of Kerberos or GSS-API has a larger one. */
  readonly tagNumber: number;
  /** Whether it contains elements. */
  readonly constructed: boolean;
}

/** An element that was read; its encoding is DER at every level. */
export interface Element extends Tag {
  /** Contents bytes. */
  readonly contents: Bytes;
  /** Elements in it; none in a primitive one. */
  readonly children: readonly Element[];
  /** All its bytes. */
  readonly whole: Bytes;
}

/** An element to write: from contents, from elements, or from the bytes of an encoding. */
export type NewElement =
  | (Tag & { readonly contents: Uint8Array })
  | (Tag & { readonly children: readonly NewElement[] })
  | { readonly whole: Bytes };

/** Options of {@linkcode DerEngine.read}. */
export interface ReadOptions {
  /** Maximum number of elements, at all levels together. @default {STRANGER_ELEMENTS} */
  readonly elements?: number | undefined;
  /**
   * Whether a length may take more bytes than it needs, as in `84 00 00 00 2c`. This is not DER, but some peers write it
   * around their tokens. Only the engine by hand reads it.
   *
   * @default {false}
   */
  readonly longLengths?: boolean | undefined;
}

/** Reads and writes trees of elements. */
export interface DerEngine {
  /** Returns the element that the bytes start with. Throws `Asn1Error` if its encoding is not DER or exceeds the options. */
  read(bytes: Bytes, path: string, options?: ReadOptions): Element;
  /** Returns the DER encoding of an element. */
  write(element: NewElement): Bytes;
}

/** Maximum depth (CVE-2020-28196) and size of an element that is read. */
export const ELEMENT_LIMITS = { depth: 32, bytes: 16_777_216 } as const;

/**
 * Maximum number of elements in a message from a peer that is not authenticated yet. An AP-REQ has about 50, the longest
 * offer of SPNEGO 40. Reading stops here, however many bytes are left.
 */
export const STRANGER_ELEMENTS = 400;

/** Maximum number of elements in a reply of a KDC and in decrypted data: two lists of 256 entries fit into one message. */
export const VOUCHED_ELEMENTS = 4_000;
