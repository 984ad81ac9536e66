/**
 * Contents octets of primitive DER types: integers, times and object identifiers, to values and back.
 *
 * @module
 */
import type { Bytes } from "./bytes.ts";

/** Octets that are not the DER encoding of the type wanted, or a value that the type cannot hold. */
export class Asn1Error extends Error {
  override readonly name = "Asn1Error";
  /** Where in the type, for example `AP-REQ.ticket.enc-part.etype`. */
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`Cannot read ${path}: ${problem}`, options);
    this.path = path;
  }
}

/** X.690 section 8.3: two's complement in as few octets as it takes. */
export function integerContents(value: bigint): Bytes {
  const octets: number[] = [];
  let rest = value;
  do {
    octets.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  } while (!((rest === 0n && octets[0]! < 0x80) || (rest === -1n && octets[0]! >= 0x80)));
  return Uint8Array.from(octets);
}

/** The integer that contents octets stand for, in their shortest form, of nine octets at most. */
export function integerValue(bytes: Bytes, path: string): bigint {
  if (bytes.length === 0) throw new Asn1Error(path, "INTEGER without contents");
  if (bytes.length > 9) throw new Asn1Error(path, `INTEGER of ${bytes.length} octets`);
  const [first, second] = bytes;
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new Asn1Error(path, "INTEGER is not in DER form");
  }
  let value = first! >= 0x80 ? -1n : 0n;
  for (const octet of bytes) value = (value << 8n) | BigInt(octet);
  return value;
}

/** Contents of a GeneralizedTime without fractions. */
export function timeContents(value: number, path: string): Bytes {
  const date = new Date(value);
  if (!Number.isFinite(value) || value % 1000 !== 0 || date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9999) {
    throw new Asn1Error(path, "time is not whole seconds of a four-digit year");
  }
  return new TextEncoder().encode(compactTime(date));
}

/** The time that contents octets stand for, in milliseconds since the epoch. */
export function timeValue(bytes: Bytes, path: string): number {
  const text = String.fromCharCode(...bytes.subarray(0, 32));
  const parts = bytes.length === 15 ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) : null;
  if (parts === null) throw new Asn1Error(path, "time is not of the form YYYYMMDDhhmmssZ");
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day!);
  date.setUTCHours(hour!, minute!, second!);
  // What is not on the calendar has rolled over into another date.
  if (compactTime(date) !== text) throw new Asn1Error(path, "time is not on the calendar");
  return date.getTime();
}

function compactTime(date: Date): string {
  return date.toISOString().replace(/[-:T]|\.\d+/g, "");
}

/** Contents of a dotted object identifier (X.690 section 8.19). */
export function oidContents(dotted: string, path: string): Bytes {
  const valid = /^[012](\.(0|[1-9]\d{0,14}))+$/.test(dotted);
  const [first, second, ...rest] = dotted.split(".").map(Number);
  if (!valid || (first! < 2 && second! > 39)) throw new Asn1Error(path, `"${dotted}" is not an object identifier`);
  const octets: number[] = [];
  for (const arc of [40 * first! + second!, ...rest]) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    octets.push(...digits);
  }
  return Uint8Array.from(octets);
}

/** Octets of an OBJECT IDENTIFIER's contents as dotted text (X.690 section 8.19). */
export function oidText(bytes: Uint8Array, path = "OBJECT IDENTIFIER"): string {
  if (bytes.length === 0 || bytes.length > 64 || bytes.at(-1)! >= 0x80) throw new Asn1Error(path, "malformed");
  const arcs: number[] = [];
  let arc = 0;
  let fresh = true;
  for (const octet of bytes) {
    if (fresh && octet === 0x80) throw new Asn1Error(path, "arc is not in DER form");
    arc = arc * 128 + (octet & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw new Asn1Error(path, "arc is too large");
    fresh = octet < 0x80;
    if (fresh) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const head = Math.min(2, Math.floor(arcs[0]! / 40));
  return [head, arcs[0]! - 40 * head, ...arcs.slice(1)].join(".");
}

/** DER contents octets of a dotted object identifier. */
export function oidBytes(dotted: string): Bytes {
  return oidContents(dotted, "OBJECT IDENTIFIER");
}
