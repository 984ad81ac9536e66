/**
 * Messages with fields of a later version of their protocol: elements behind the known ones of a SEQUENCE.
 *
 * @module
 */
import { derEngine } from "../../asn1/der.ts";
import { type Element, type NewElement, TagClass } from "../../asn1/element.ts";
import { asBytes, type Bytes } from "../../base/bytes.ts";

/** `[30] INTEGER 1`: no SEQUENCE of Kerberos has this field. */
const UNKNOWN: NewElement = { whole: Uint8Array.of(0xbe, 3, 2, 1, 1) };

/** Whether an element is a SEQUENCE of named fields, and not a SEQUENCE OF. */
function hasFields({ tagClass, tagNumber, children }: Element): boolean {
  return tagClass === TagClass.Universal && tagNumber === 16 && children[0]?.tagClass === TagClass.Context;
}

/** Returns an element with unknown fields in the sequences that are chosen, by their numbers in reading order. */
function rebuilt(element: Element, chosen: (index: number) => boolean, count: { value: number }): NewElement {
  if (element.children.length === 0) return { whole: element.whole };
  const extend = hasFields(element) && chosen(count.value++);
  const children = element.children.map((child) => rebuilt(child, chosen, count));
  const { tagClass, tagNumber, constructed } = element;
  return { tagClass, tagNumber, constructed, children: extend ? [...children, UNKNOWN] : children };
}

function extendWhere(message: Uint8Array, chosen: (index: number) => boolean): { bytes: Bytes; sequences: number } {
  const count = { value: 0 };
  const element = rebuilt(derEngine.read(asBytes(message), "message"), chosen, count);
  return { bytes: derEngine.write(element), sequences: count.value };
}

/** Returns a message with an unknown field behind those of its outermost SEQUENCE. */
export function extend(message: Uint8Array): Bytes {
  return extendWhere(message, (index) => index === 0).bytes;
}

/** Returns a message with an unknown field in every SEQUENCE. */
export function extendEverywhere(message: Uint8Array): Bytes {
  return extendWhere(message, () => true).bytes;
}

/** Returns copies of a message, each with an unknown field in another SEQUENCE. */
export function extendEach(message: Uint8Array): readonly Bytes[] {
  const { sequences } = extendWhere(message, () => false);
  return Array.from({ length: sequences }, (_, wanted) => extendWhere(message, (index) => index === wanted).bytes);
}
