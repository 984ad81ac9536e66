/**
 * Identifiers and limits of elements, and the interface of the engines that check and write encodings.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { FieldPath } from "./path.ts";

/** Classes of tags (X.690 section 8.1.2.2), as bits of an identifier. */
export const TagClass = { Universal: 0, Application: 0x40, Context: 0x80, Private: 0xc0 } as const;

/** Bit of the identifier of an element that contains elements. */
export const CONSTRUCTED = 0x20;
/** Bits of the number in an identifier. 31 stands for numbers above 30, which no type of Kerberos or GSS-API has. */
export const TAG_NUMBER = 0x1f;

/** An identifier for a message, such as `[CONTEXT 3]`. */
export function describeIdentifier(identifier: number | undefined): string {
  if (identifier === undefined) return "any";
  const name = Object.keys(TagClass)[identifier >> 6]!;
  return `[${name.toUpperCase()} ${identifier & TAG_NUMBER}]`;
}

/** Options of {@linkcode DerEngine.check}. */
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

/** Writes one encoding from its end to its start, so that the length of each element is known when it is written. */
export interface DerWriter {
  /** The field that is being written. */
  readonly path: FieldPath;
  /** Writes a primitive element. */
  primitive(identifier: number, contents: Uint8Array): void;
  /** Writes the bytes of an encoding. */
  whole(encoding: Bytes): void;
  /** Begins a constructed element, whose elements come next, the last one first. Returns what {@linkcode end} takes. */
  begin(): number;
  /** Ends a constructed element. */
  end(identifier: number, begun: number): void;
  /** Returns all bytes; the writer is used up. */
  finish(): Bytes;
}

/** Checks and writes encodings. */
export interface DerEngine {
  /**
   * Returns the length of the element that the bytes start with.
   *
   * @throws {Asn1Error} If its encoding is not DER at every level, or exceeds the options.
   */
  check(bytes: Bytes, path: string, options?: ReadOptions): number;
  /** Returns a writer of one encoding. */
  writer(path: FieldPath): DerWriter;
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
