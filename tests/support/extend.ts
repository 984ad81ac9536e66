/**
 * Messages with fields of a later version of their protocol: elements behind the known ones of a SEQUENCE.
 *
 * @module
 */
import { applicationTag, decode, encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { Ticket } from "../../kerberos/messages/ap.ts";
import { AsRep, TgsRep } from "../../kerberos/messages/kdc.ts";
import type { KdcTransport } from "../../kerberos/reach/transport.ts";
import { type DerTree, type NewTree, readTree, writeTree } from "./der_tree.ts";
import { hex } from "./vectors.ts";

/** `[30] INTEGER 1`: no SEQUENCE of Kerberos has this field. */
const UNKNOWN: NewTree = { whole: Uint8Array.of(0xbe, 3, 2, 1, 1) };

/** Whether an element is a SEQUENCE of named fields, and not a SEQUENCE OF. */
function hasFields({ identifier, children }: DerTree): boolean {
  return identifier === 0x30 && children[0] !== undefined && children[0].identifier >> 6 === 2;
}

/** Returns an element with unknown fields in the sequences that are chosen, by their numbers in reading order. */
function rebuilt(element: DerTree, chosen: (index: number) => boolean, count: { value: number }): NewTree {
  if (element.children.length === 0) return { whole: element.whole };
  const extend = hasFields(element) && chosen(count.value++);
  const children = element.children.map((child) => rebuilt(child, chosen, count));
  return { identifier: element.identifier, children: extend ? [...children, UNKNOWN] : children };
}

function extendWhere(message: Uint8Array, chosen: (index: number) => boolean): { bytes: Bytes; sequences: number } {
  const count = { value: 0 };
  const element = rebuilt(readTree(message), chosen, count);
  return { bytes: writeTree(element), sequences: count.value };
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

/** Returns a transport whose replies have tickets with unknown fields; keeps these and what is sent. */
export function extendingTransport(
  inner: KdcTransport,
): { transport: KdcTransport; tickets: string[]; sent: Uint8Array[] } {
  const tickets: string[] = [];
  const sent: Uint8Array[] = [];
  const transport: KdcTransport = {
    async send(address, message, options) {
      sent.push(message);
      const reply = await inner.send(address, message, options);
      const tag = applicationTag(reply);
      if (tag !== 11 && tag !== 13) return reply;
      const codec = tag === 11 ? AsRep : TgsRep;
      const decoded = decode(codec, reply);
      const ticket = extendEverywhere(encode(Ticket, decoded.ticket));
      tickets.push(hex(ticket));
      return encode(codec, { ...decoded, ticket: decode(Ticket, ticket) });
    },
  };
  return { transport, tickets, sent };
}
