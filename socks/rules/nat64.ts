/**
 * IPv4 addresses inside of IPv6 ones, as translators read them (RFC 6052 section 2.2), and the prefixes under which they do.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { parseIp } from "../wire/ip.ts";
import { type Cidr, inCidr, parseCidr } from "../wire/cidr.ts";

/** Lengths that a prefix may have. */
const LENGTHS: readonly number[] = [96, 64, 56, 48, 40, 32];

/** The byte that is zero in all of them, whatever the prefix. */
const U = 8;

/** Where a prefix of so many bits has the four bytes: behind it, around byte U. */
export function ipv4Places(bits: number): readonly number[] {
  const first = bits / 8;
  return [0, 1, 2, 3].map((i) => first <= U && first + i >= U && bits < 96 ? first + i + 1 : first + i);
}

/** Where prefixes of translators may be: global unicast, unique local, and what is set aside for them (RFC 6052, RFC 8215). */
const HOMES: readonly Cidr[] = ["2000::/3", "fc00::/7", "64:ff9b::/96", "64:ff9b:1::/48"].map((text) =>
  parseCidr(text)!
);

/**
 * Reads the prefix of a NAT64 translator: `2001:db8:64::/96`.
 *
 * @throws {TypeError} When it is none.
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

/** The IPv4 address that a translator with the prefix reads in an address of that prefix, whatever its other bits are. */
export function ipv4Under({ bits }: Cidr, address: Uint8Array): Bytes {
  return Uint8Array.from(ipv4Places(bits), (i) => address[i]!);
}

/** The IPv6 address under the prefix that stands for an IPv4 one. */
export function ipv6For({ network, bits }: Cidr, ipv4: Uint8Array): Bytes {
  const address = new Uint8Array(16);
  address.set(network.subarray(0, bits / 8));
  ipv4Places(bits).forEach((place, i) => address[place] = ipv4[i]!);
  return address;
}

/** The prefixes that an address has, the longest first. */
export function prefixesOf(address: Uint8Array, prefixes: readonly Cidr[]): readonly Cidr[] {
  return prefixes.filter((prefix) => inCidr(address, prefix)).sort((a, b) => b.bits - a.bits);
}

/**
 * The prefix and the IPv4 address that an address is made of and nothing else: a translator sends it there, and there is no other
 * way to write it.
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

/** What a resolver answers for the name that has IPv4 addresses only, and these two (RFC 7050 section 2.2). */
const WELL_KNOWN: readonly Bytes[] = ["192.0.0.170", "192.0.0.171"].map((text) => parseIp(text)!);

/**
 * The prefixes in the addresses that a resolver has for `ipv4only.arpa` (RFC 7050 section 3). No address can be read in two ways: the
 * last byte that is not zero says where the well-known address ends.
 */
export function prefixesIn(answer: readonly string[]): readonly Cidr[] {
  const found = answer.flatMap((text) => {
    const bytes = parseIp(text);
    return bytes?.length === 16 ? LENGTHS.flatMap((bits) => readAs(bits, bytes)) : [];
  });
  return found.filter((prefix, i) => found.findIndex((other) => sameBlock(other, prefix)) === i);
}

/** The prefix of so many bits under which an address was made of a well-known one; none where it was not. */
function readAs(bits: number, bytes: Bytes): readonly Cidr[] {
  const network = new Uint8Array(16);
  network.set(bytes.subarray(0, bits / 8));
  const prefix: Cidr = { network, bits };
  const known = WELL_KNOWN.some((address) => ipv6For(prefix, address).every((byte, i) => byte === bytes[i]));
  return known && isUsable(prefix) ? [prefix] : [];
}

/** Whether two blocks are one. */
export function sameBlock(a: Cidr, b: Cidr): boolean {
  return a.bits === b.bits && a.network.every((byte, i) => byte === b.network[i]);
}

/** Translators between IPv6 and IPv4 (RFC 6052), beside that of `64:ff9b::/96`, which is known. */
export interface Nat64Source {
  /** Their prefixes, as they are known now. */
  readonly prefixes: readonly Cidr[];
  /** While they are being looked for, and may be there soon: resolved when they are, or are not waited for any more. */
  readonly pending?: Promise<void> | undefined;
}

/** NAT64 of everybody's (RFC 6052 section 2.1): where it is reached at all, it is a translator's. */
export const WELL_KNOWN_PREFIX: Cidr = parseCidr("64:ff9b::/96")!;
