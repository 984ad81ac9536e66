/**
 * Heads of HTTP/1.1 messages (RFC 9112 sections 2 and 5): a first line, and fields. One grammar, nothing beside it: where two readers of a
 * message could find different ends or fields in it, it is refused.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import type { Decoded } from "../../wire/decoded.ts";

/** Longest head: Kerberos tickets of users in many groups travel in it. */
export const MAX_HEAD = 65_536;
/** Longest first line (RFC 9112 section 3 asks for 8,000 bytes at least). */
export const MAX_LINE = 8_192;
/** Most fields of a head. */
export const MAX_FIELDS = 200;

/** A field of a head or of trailers. Its text has one character for each byte. */
export interface HttpField {
  /** Its name, as sent. */
  readonly name: string;
  /** Its name in lower case. */
  readonly key: string;
  /** Its value, without white space around it. */
  readonly value: string;
}

/** A head. */
export interface HttpHead<T> {
  /** What its first line says. */
  readonly start: T;
  /** Its fields, in order. */
  readonly fields: readonly HttpField[];
}

/** What is wrong with a head. */
export type HeadProblem = "malformed" | "line too long" | "head too long" | "too many fields";

/** How a head is read. */
export interface HeadOptions<T> {
  /** Reads the first line, as soon as it is complete. */
  readonly start: (line: string) => T;
  /** Returns the error for a problem. */
  readonly refuse: (kind: HeadProblem, problem: string) => Error;
  /** Whether empty lines may come first, as before requests (RFC 9112 section 2.2). */
  readonly emptyLinesFirst: boolean;
}

/** Returns a decoder of one head. Bytes that were scanned are not scanned again when more arrive. */
export function headDecoder<T>(options: HeadOptions<T>): (bytes: Bytes) => Decoded<HttpHead<T>> | undefined {
  const { start: readStart, refuse, emptyLinesFirst } = options;
  let scanned = 0;
  let begin = 0;
  let start: { readonly value: T } | undefined;
  const fields: HttpField[] = [];
  return (bytes) => {
    for (let end = bytes.indexOf(0x0a, scanned); end >= 0 && end < MAX_HEAD; end = bytes.indexOf(0x0a, scanned)) {
      const line = bytes.subarray(begin, end);
      begin = scanned = end + 1;
      if (start === undefined && emptyLinesFirst && isEmpty(line)) continue;
      if (start === undefined && line.length > MAX_LINE) throw tooLong(refuse);
      const text = lineText(line, refuse);
      if (start === undefined) start = { value: readStart(text) };
      else if (text === "") return { value: { start: start.value, fields }, length: scanned };
      else if (fields.length === MAX_FIELDS) throw refuse("too many fields", `it has more than ${MAX_FIELDS} fields`);
      else fields.push(readField(text, refuse));
    }
    if (start === undefined && bytes.length > MAX_LINE) throw tooLong(refuse);
    if (bytes.length > MAX_HEAD) throw refuse("head too long", `its head has more than ${MAX_HEAD} bytes`);
    scanned = bytes.length;
    return undefined;
  };
}

function tooLong(refuse: HeadOptions<unknown>["refuse"]): Error {
  return refuse("line too long", `its first line has more than ${MAX_LINE} bytes`);
}

function isEmpty(line: Bytes): boolean {
  return line.length === 0 || (line.length === 1 && line[0] === 0x0d);
}

/** Returns the text of a line that ended at a line feed, before which there must be a carriage return (RFC 9112 section 2.2). */
function lineText(line: Bytes, refuse: HeadOptions<unknown>["refuse"]): string {
  if (line.at(-1) !== 0x0d) throw refuse("malformed", "a line of it ends without a carriage return");
  return latin1(line.subarray(0, -1));
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Everything but printable characters, tabs and bytes above ASCII (RFC 9110 section 5.5). */
const NOT_IN_VALUES = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Reads a field. A continued line (RFC 9112 section 5.2) and white space before the colon (section 5.1) are refused, because others
 * read them differently.
 */
export function readField(line: string, refuse: HeadOptions<unknown>["refuse"]): HttpField {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  if (!TOKEN.test(name)) throw refuse("malformed", "a line of it is not a field (NAME: VALUE)");
  const value = trimmed(line.slice(colon + 1));
  if (NOT_IN_VALUES.test(value)) throw refuse("malformed", `its field ${name.slice(0, 64)} has a control character`);
  return { name, key: name.toLowerCase(), value };
}

/** Removes blanks and tabs at both ends, in linear time. */
export function trimmed(text: string): string {
  const isBlank = (at: number) => text[at] === " " || text[at] === "\t";
  let [begin, end] = [0, text.length];
  while (begin < end && isBlank(begin)) begin++;
  while (end > begin && isBlank(end - 1)) end--;
  return text.slice(begin, end);
}

/** Values of all fields with a name, as the list that they are together (RFC 9110 section 5.6.1), without empty members. */
export function listOf(fields: readonly HttpField[], key: string): readonly string[] {
  return valuesOf(fields, key).flatMap((value) => value.split(",")).map(trimmed).filter((member) => member !== "");
}

/** Values of all fields with a name. */
export function valuesOf(fields: readonly HttpField[], key: string): readonly string[] {
  return fields.filter((field) => field.key === key).map(({ value }) => value);
}

/** Returns a text with one character for each byte. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return text;
}

/** The bytes of such a text. */
export function latin1Bytes(text: string): Bytes {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
