/**
 * IP addresses as text and bytes: strict dotted quads (no octal and no short forms), and IPv6 (RFC 4291 section 2.2) with its
 * canonical text (RFC 5952).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";

/** Returns the 4 or 16 bytes of an address; `undefined` for other text. */
export function parseIp(text: string): Bytes | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** Whether a text is an IPv4 address: a strict dotted quad. */
export function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

function parseIpv4(text: string): Bytes | undefined {
  return isIpv4(text) ? new Uint8Array(text.split(".").map(Number)) : undefined;
}

function parseIpv6(text: string): Bytes | undefined {
  if (!text.includes(":") || !/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => parseGroups(half, i === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const given = head.length + (tail?.length ?? 0);
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  const groups = [...head, ...new Array<number>(8 - given).fill(0), ...(tail ?? [])];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** Returns the 16-bit groups; the last two of an address may be written as a dotted quad. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    const quad = last && i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (quad !== undefined) groups.push((quad[0]! << 8) | quad[1]!, (quad[2]! << 8) | quad[3]!);
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

const MAPPED: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Returns the IPv4 address in an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2), and other addresses as they are. */
export function unmapped(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 && MAPPED.every((byte, i) => bytes[i] === byte) ? bytes.subarray(12) : bytes;
}

/** Returns an address in canonical text, an IPv4-mapped one as the IPv4 address, and other text as it is. */
export function canonicalAddress(text: string): string {
  const bytes = isIpv4(text) ? undefined : parseIp(text);
  return bytes === undefined ? text : formatIp(unmapped(bytes));
}

/** Whether an address is link-local (RFC 4291 section 2.5.6), with or without its zone. */
export function isLinkLocal(text: string): boolean {
  return /^fe[89ab]/i.test(text) && text.includes(":");
}

/** Returns an address in canonical text without its zone (RFC 4007 section 11). */
export function withoutZone(text: string): string {
  const at = text.indexOf("%");
  return canonicalAddress(at < 0 || !text.includes(":") ? text : text.slice(0, at));
}

/** Returns the canonical text of 4 or 16 bytes. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const { start, length } = longestZeros(groups);
  const text = (from: number, to: number) => groups.slice(from, to).map((group) => group.toString(16)).join(":");
  return length < 2 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
    start += length;
  }
  return best;
}
