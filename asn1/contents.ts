/**
 * Contents of primitive DER types: integers, times and object identifiers.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { FieldPath } from "./path.ts";
import type { DerReader } from "./reader.ts";

/** Contents of the integers of one byte, which are most of those in messages. */
const SMALL: readonly Bytes[] = Array.from({ length: 0x80 }, (_, value) => Uint8Array.of(value));

/** Returns the contents of a safe integer: two's complement in as few bytes as possible (X.690 section 8.3). */
export function integerContents(value: number): Bytes {
  if (value >= 0 && value <= 0x7f) return SMALL[value]!;
  let size = 1;
  // A byte holds -128 to 127.
  for (let rest = value; rest < -0x80 || rest > 0x7f; rest = Math.floor(rest / 256)) size++;
  const bytes = new Uint8Array(size);
  for (let at = size - 1, rest = value; at >= 0; at--, rest = Math.floor(rest / 256)) {
    bytes[at] = rest - 256 * Math.floor(rest / 256);
  }
  return bytes;
}

/** Returns the integer of contents in their shortest form, at most nine bytes; not exact above 2^53. */
export function integerValue({ bytes, body, end, path }: DerReader): number {
  const length = end - body;
  if (length === 0) throw path.error("INTEGER without contents");
  if (length > 9) throw path.error(`INTEGER of ${length} bytes`);
  const first = bytes[body]!;
  const second = bytes[body + 1]!;
  if (length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw path.error("INTEGER is not in DER form");
  }
  let value = first >= 0x80 ? -1 : 0;
  for (let at = body; at < end; at++) value = value * 256 + bytes[at]!;
  return value;
}

/** Returns the contents of a GeneralizedTime without fractions. */
export function timeContents(value: number, path: FieldPath): Bytes {
  const date = new Date(value);
  const year = date.getUTCFullYear();
  if (!Number.isFinite(value) || value % 1000 !== 0 || year < 0 || year > 9999) {
    throw path.error("time is not whole seconds of a four-digit year");
  }
  const bytes = new Uint8Array(15);
  putDigits(bytes, 4, year);
  putDigits(bytes, 6, date.getUTCMonth() + 1);
  putDigits(bytes, 8, date.getUTCDate());
  putDigits(bytes, 10, date.getUTCHours());
  putDigits(bytes, 12, date.getUTCMinutes());
  putDigits(bytes, 14, date.getUTCSeconds());
  bytes[14] = ZULU;
  return bytes;
}

const [ZERO, ZULU] = [0x30, 0x5a];

/** Writes a number that ends at `end`: two digits, four for a year. */
function putDigits(bytes: Bytes, end: number, value: number): void {
  for (let at = end - 1, rest = value; at >= (end === 4 ? 0 : end - 2); at--, rest = Math.floor(rest / 10)) {
    bytes[at] = ZERO + rest % 10;
  }
}

/** Returns the time of contents, in milliseconds since the epoch. */
export function timeValue(reader: DerReader): number {
  const { bytes, body, end, path } = reader;
  if (end - body !== 15 || bytes[body + 14] !== ZULU) throw malformedTime(path);
  const month = digits(reader, 4, 6);
  const day = digits(reader, 6, 8);
  const [hour, minute, second] = [digits(reader, 8, 10), digits(reader, 10, 12), digits(reader, 12, 14)];
  const date = new Date(0);
  date.setUTCFullYear(digits(reader, 0, 4), month - 1, day);
  // A day that is not on the calendar became a day of another month.
  const onCalendar = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!onCalendar || hour > 23 || minute > 59 || second > 59) throw path.error("time is not on the calendar");
  return date.getTime() + 1000 * (60 * (60 * hour + minute) + second);
}

/** Returns the number of some digits of the contents. */
function digits({ bytes, body, path }: DerReader, from: number, to: number): number {
  let value = 0;
  for (let at = body + from; at < body + to; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) throw malformedTime(path);
    value = value * 10 + digit;
  }
  return value;
}

function malformedTime(path: FieldPath): Error {
  return path.error("time is not of the form YYYYMMDDhhmmssZ");
}

/** Returns the contents of a dotted object identifier (X.690 section 8.19). */
export function oidContents(dotted: string, path: FieldPath): Bytes {
  const valid = /^[012](\.(0|[1-9]\d{0,14}))+$/.test(dotted);
  const [first, second, ...rest] = dotted.split(".").map(Number);
  if (!valid || (first! < 2 && second! > 39)) throw path.error(`"${dotted}" is not an object identifier`);
  const bytes: number[] = [];
  for (const arc of [40 * first! + second!, ...rest]) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    bytes.push(...digits);
  }
  return Uint8Array.from(bytes);
}

/** Returns the contents of an OBJECT IDENTIFIER as dotted text (X.690 section 8.19). */
export function oidText(bytes: Uint8Array, path: FieldPath = new FieldPath("OBJECT IDENTIFIER")): string {
  if (bytes.length === 0 || bytes.length > 64 || bytes.at(-1)! >= 0x80) throw path.error("malformed");
  const arcs: number[] = [];
  let arc = 0;
  let fresh = true;
  for (const byte of bytes) {
    if (fresh && byte === 0x80) throw path.error("arc is not in DER form");
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw path.error("arc is too large");
    fresh = byte < 0x80;
    if (fresh) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const head = Math.min(2, Math.floor(arcs[0]! / 40));
  return [head, arcs[0]! - 40 * head, ...arcs.slice(1)].join(".");
}

/** Returns the contents of a dotted object identifier, for use without a codec. */
export function oidBytes(dotted: string): Bytes {
  return oidContents(dotted, new FieldPath("OBJECT IDENTIFIER"));
}
