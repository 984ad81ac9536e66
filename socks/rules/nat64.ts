/**
 * NAT64 prefixes, and the IPv4 address inside an IPv6 address of such a prefix (RFC 6052 section 2.2).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { parseIp } from "../wire/ip.ts";
import { type Cidr, inCidr, parseCidr } from "../wire/cidr.ts";

/** Lengths that a prefix may have. */
const LENGTHS: readonly number[] = [96, 64, 56, 48, 40, 32];

/** Index of the byte that is zero with every prefix. */
const U = 8;

/** Indexes of the four IPv4 bytes with a prefix of the given length: after the prefix, without byte U. */
export function ipv4Places(bits: number): readonly number[] {
  const first = bits / 8;
  return [0, 1, 2, 3].map((i) => first <= U && first + i >= U && bits < 96 ? first + i + 1 : first + i);
}

/** Blocks that can have prefixes: global unicast, unique local, and the blocks reserved for NAT64 (RFC 6052, RFC 8215). */
const HOMES: readonly Cidr[] = ["2000::/3", "fc00::/7", "64:ff9b::/96", "64:ff9b:1::/48"].map((text) =>
  parseCidr(text)!
);

/**
 * Parses a NAT64 prefix such as `2001:db8:64::/96`.
 *
 * @throws {TypeError} The text is no such prefix.
 */
export function parseNat64Prefix(text: string): Cidr {
  const fail = (problem: string) => new TypeError(`Cannot use NAT64 prefix ${JSON.stringify(text)}: ${problem}`);
  let prefix: Cidr | undefined;
  try {
    prefix = text.includes("/") ? parseCidr(text) : undefined;
  } catch (error) {
    throw fail((error as Error).message);
  }
  if (prefix?.network.length !== 16) throw fail('an IPv6 prefix is wanted, such as "2001:db8:64::/96"');
  if (!LENGTHS.includes(prefix.bits)) throw fail("its length is 32, 40, 48, 56, 64 or 96 (RFC 6052 section 2.2)");
  if (!isUsable(prefix)) throw fail("no translator can have it (RFC 6052 section 2.2)");
  return prefix;
}

function isUsable({ network }: Cidr): boolean {
  return network[U] === 0 && HOMES.some((home) => inCidr(network, home));
}

/** The IPv4 address in an address of the prefix. All other bits are ignored. */
export function ipv4Under({ bits }: Cidr, address: Uint8Array): Bytes {
  return Uint8Array.from(ipv4Places(bits), (i) => address[i]!);
}

/** The IPv6 address of the prefix for an IPv4 address. */
export function ipv6For({ network, bits }: Cidr, ipv4: Uint8Array): Bytes {
  const address = new Uint8Array(16);
  address.set(network.subarray(0, bits / 8));
  ipv4Places(bits).forEach((place, i) => address[place] = ipv4[i]!);
  return address;
}

/** The prefixes that contain an address, the longest first. */
export function prefixesOf(address: Uint8Array, prefixes: readonly Cidr[]): readonly Cidr[] {
  return prefixes.filter((prefix) => inCidr(address, prefix)).sort((a, b) => b.bits - a.bits);
}

/**
 * The prefix and the IPv4 address of an address that consists of nothing else. A translator forwards it to that IPv4 address.
 */
export function translated(
  address: Uint8Array,
  prefixes: readonly Cidr[],
): { readonly prefix: Cidr; readonly ipv4: Bytes } | undefined {
  const [prefix] = prefixesOf(address, prefixes);
  if (prefix === undefined) return undefined;
  const ipv4 = ipv4Under(prefix, address);
  return ipv6For(prefix, ipv4).every((byte, i) => byte === address[i]) ? { prefix, ipv4 } : undefined;
}

/** The IPv4 addresses of `ipv4only.arpa` (RFC 7050 section 2.2). */
const WELL_KNOWN: readonly Bytes[] = ["192.0.0.170", "192.0.0.171"].map((text) => parseIp(text)!);

/**
 * The prefixes in a resolver's addresses of `ipv4only.arpa` (RFC 7050 section 3). The result is unambiguous: the last byte that is not zero
 * shows where the well-known address ends.
 */
export function prefixesIn(answer: readonly string[]): readonly Cidr[] {
  const found = answer.flatMap((text) => {
    const bytes = parseIp(text);
    return bytes?.length === 16 ? LENGTHS.flatMap((bits) => prefixOfLength(bits, bytes)) : [];
  });
  return found.filter((prefix, i) => found.findIndex((other) => sameBlock(other, prefix)) === i);
}

/** The prefix of the given length if an address consists of it and a well-known address. */
function prefixOfLength(bits: number, bytes: Bytes): readonly Cidr[] {
  const network = new Uint8Array(16);
  network.set(bytes.subarray(0, bits / 8));
  const prefix: Cidr = { network, bits };
  const known = WELL_KNOWN.some((address) => ipv6For(prefix, address).every((byte, i) => byte === bytes[i]));
  return known && isUsable(prefix) ? [prefix] : [];
}

/** Whether two blocks are equal. */
export function sameBlock(a: Cidr, b: Cidr): boolean {
  return a.bits === b.bits && a.network.every((byte, i) => byte === b.network[i]);
}

/** NAT64 translators (RFC 6052), without that of the well-known prefix `64:ff9b::/96`. */
export interface Nat64Source {
  /** The prefixes known now. */
  readonly prefixes: readonly Cidr[];
  /** Set during the first look-up. Resolved when the prefixes are known or the wait is over. */
  readonly pending?: Promise<void> | undefined;
}

/** The well-known prefix (RFC 6052 section 2.1). An address of it always belongs to a translator. */
export const WELL_KNOWN_PREFIX: Cidr = parseCidr("64:ff9b::/96")!;
