/**
 * Contents of primitive DER types: integers, times and object identifiers.
 *
 * @module
 */
import { type Bytes, utf8 } from "../base/bytes.ts";
import { Asn1Error } from "./errors.ts";

/** Returns the contents of a safe integer: two's complement in as few bytes as possible (X.690 section 8.3). */
export function integerContents(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = ((rest % 256) + 256) % 256;
    bytes.unshift(byte);
    rest = (rest - byte) / 256;
  } while (!((rest === 0 && bytes[0]! < 0x80) || (rest === -1 && bytes[0]! >= 0x80)));
  return Uint8Array.from(bytes);
}

/** Returns the integer of contents in their shortest form, at most nine bytes; not exact above 2^53. */
export function integerValue(bytes: Bytes, path: string): number {
  if (bytes.length === 0) throw new Asn1Error(path, "INTEGER without contents");
  if (bytes.length > 9) throw new Asn1Error(path, `INTEGER of ${bytes.length} bytes`);
  const [first, second] = bytes;
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new Asn1Error(path, "INTEGER is not in DER form");
  }
  let value = first! >= 0x80 ? -1 : 0;
  for (let i = 0; i < bytes.length; i++) value = value * 256 + bytes[i]!;
  return value;
}

/** Returns the contents of a GeneralizedTime without fractions. */
export function timeContents(value: number, path: string): Bytes {
  const date = new Date(value);
  if (!Number.isFinite(value) || value % 1000 !== 0 || date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9999) {
    throw new Asn1Error(path, "time is not whole seconds of a four-digit year");
  }
  const [year, month, rest] = date.toISOString().split("-");
  const [day, time] = rest!.split("T");
  return utf8(`${year}${month}${day}${time!.slice(0, 2)}${time!.slice(3, 5)}${time!.slice(6, 8)}Z`);
}

/** Returns the time of contents, in milliseconds since the epoch. */
export function timeValue(bytes: Bytes, path: string): number {
  const digits = (from: number, to: number): number => {
    let value = 0;
    for (let i = from; i < to; i++) {
      const digit = bytes[i]! - 0x30;
      if (digit < 0 || digit > 9) throw malformedTime(path);
      value = value * 10 + digit;
    }
    return value;
  };
  if (bytes.length !== 15 || bytes[14] !== 0x5a) throw malformedTime(path);
  const [year, month, day] = [digits(0, 4), digits(4, 6), digits(6, 8)];
  const [hour, minute, second] = [digits(8, 10), digits(10, 12), digits(12, 14)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that is not on the calendar became a day of another month.
  const onCalendar = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!onCalendar || hour > 23 || minute > 59 || second > 59) throw new Asn1Error(path, "time is not on the calendar");
  return date.getTime() + 1000 * (60 * (60 * hour + minute) + second);
}

function malformedTime(path: string): Asn1Error {
  return new Asn1Error(path, "time is not of the form YYYYMMDDhhmmssZ");
}

/** Returns the contents of a dotted object identifier (X.690 section 8.19). */
export function oidContents(dotted: string, path: string): Bytes {
  const valid = /^[012](\.(0|[1-9]\d{0,14}))+$/.test(dotted);
  const [first, second, ...rest] = dotted.split(".").map(Number);
  if (!valid || (first! < 2 && second! > 39)) throw new Asn1Error(path, `"${dotted}" is not an object identifier`);
  const bytes: number[] = [];
  for (const arc of [40 * first! + second!, ...rest]) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    bytes.push(...digits);
  }
  return Uint8Array.from(bytes);
}

/** Returns the contents of an OBJECT IDENTIFIER as dotted text (X.690 section 8.19). */
export function oidText(bytes: Uint8Array, path = "OBJECT IDENTIFIER"): string {
  if (bytes.length === 0 || bytes.length > 64 || bytes.at(-1)! >= 0x80) throw new Asn1Error(path, "malformed");
  const arcs: number[] = [];
  let arc = 0;
  let fresh = true;
  for (const byte of bytes) {
    if (fresh && byte === 0x80) throw new Asn1Error(path, "arc is not in DER form");
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw new Asn1Error(path, "arc is too large");
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
  return oidContents(dotted, "OBJECT IDENTIFIER");
}
