/**
 * Addresses that are not the public Internet (RFC 6890 and its registries, cloud metadata services), and the IPv4 address
 * inside the IPv6 forms that carry one, so that no disguise gets around a rule.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import { parseIp } from "../wire/ip.ts";

/** A block of addresses. */
export interface Cidr {
  /** First address. */
  readonly network: Bytes;
  /** Bits that count. */
  readonly bits: number;
}

/**
 * Reads `address` or `address/bits`; `undefined` for text that is neither.
 *
 * @throws {RangeError} When there are bits set behind those that count, which is mostly a slip.
 */
export function parseCidr(text: string): Cidr | undefined {
  const parts = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const network = parts === null ? undefined : parseIp(parts[1]!.replace(/^\[(.*)\]$/, "$1"));
  if (network === undefined) return undefined;
  const bits = Number(parts![2] ?? 8 * network.length);
  if (bits > 8 * network.length) throw new RangeError(`Cannot read ${text}: ${bits} bits are too many`);
  if (network.some((octet, i) => (octet & ~mask(bits, i)) !== 0)) {
    throw new RangeError(`Cannot read ${text}: the address has bits behind the first ${bits}`);
  }
  return { network, bits };
}

function mask(bits: number, octet: number): number {
  const left = Math.min(8, Math.max(0, bits - 8 * octet));
  return (0xff00 >> left) & 0xff;
}

/** Whether an address is in a block. */
export function inCidr(address: Uint8Array, { network, bits }: Cidr): boolean {
  return address.length === network.length &&
    address.every((octet, i) => ((octet ^ network[i]!) & mask(bits, i)) === 0);
}

const SPECIAL: readonly (readonly [string, readonly string[]])[] = [
  ["metadata service", [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
  ]],
  ["loopback", ["127.0.0.0/8", "::1"]],
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"]],
  ["link-local", ["169.254.0.0/16", "fe80::/10"]],
  ["shared (CGNAT)", ["100.64.0.0/10"]],
  ["unspecified", ["0.0.0.0/8", "::"]],
  ["multicast or broadcast", ["224.0.0.0/4", "255.255.255.255", "ff00::/8"]],
  ["documentation", ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"]],
  [
    "reserved",
    [
      "192.0.0.0/24",
      "192.88.99.0/24",
      "198.18.0.0/15",
      "240.0.0.0/4",
      "64:ff9b:1::/48",
      "100::/64",
      "2001::/23",
      "5f00::/16",
    ],
  ],
];

const BLOCKS: readonly (readonly [string, Cidr])[] = SPECIAL.flatMap(([kind, texts]) =>
  texts.map((text): readonly [string, Cidr] => [kind, parseCidr(text)!])
);

const GLOBAL_UNICAST: Cidr = parseCidr("2000::/3")!;

/** What an address is instead of public, for example "loopback"; `undefined` for a public one. */
export function specialKind(address: Uint8Array): string | undefined {
  const forms = [address, ...embeddedIpv4(address)];
  for (const form of forms) {
    const found = BLOCKS.find(([, block]) => inCidr(form, block));
    if (found !== undefined) return found[0];
  }
  // All of IPv6 that was given out is in one block; forms that carry an IPv4 address were judged by that.
  const carries = CARRIERS.some(([block]) => inCidr(address, block));
  return address.length === 16 && !carries && !inCidr(address, GLOBAL_UNICAST) ? "reserved" : undefined;
}

const CARRIERS: readonly (readonly [Cidr, (octets: Uint8Array) => Uint8Array])[] = [
  // IPv4-mapped and IPv4-compatible (RFC 4291 section 2.5.5), IPv4-translated (RFC 2765), NAT64 (RFC 6052)
  [parseCidr("::ffff:0:0/96")!, (octets) => octets.subarray(12)],
  [parseCidr("::/96")!, (octets) => octets.subarray(12)],
  [parseCidr("::ffff:0:0:0/96")!, (octets) => octets.subarray(12)],
  [parseCidr("64:ff9b::/96")!, (octets) => octets.subarray(12)],
  // NAT64 of one's own (RFC 8215), which may have a prefix of any length in there (RFC 6052 section 2.2)
  ...[[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]].map((places) =>
    [parseCidr("64:ff9b:1::/48")!, (octets: Uint8Array) => Uint8Array.from(places, (i) => octets[i]!)] as const
  ),
  // 6to4 (RFC 3056)
  [parseCidr("2002::/16")!, (octets) => octets.subarray(2, 6)],
  // Teredo (RFC 4380): the server, and the client with all bits turned over
  [parseCidr("2001::/32")!, (octets) => octets.subarray(4, 8)],
  [parseCidr("2001::/32")!, (octets) => octets.slice(12).map((octet) => octet ^ 0xff)],
];

/** IPv4 addresses that an IPv6 address stands for. */
export function embeddedIpv4(address: Uint8Array): readonly Uint8Array[] {
  if (address.length !== 16) return [];
  // :: and ::1 look IPv4-compatible and are not.
  if (address.subarray(0, 15).every((octet) => octet === 0) && address[15]! <= 1) return [];
  const carried = CARRIERS.filter(([block]) => inCidr(address, block)).map(([, take]) => take(address));
  return isIsatap(address) ? [...carried, address.subarray(12)] : carried;
}

/** ISATAP (RFC 5214 section 6.1): under any prefix, an interface identifier that is an IPv4 address. */
function isIsatap(address: Uint8Array): boolean {
  return (address[8]! & ~0x02) === 0 && address[9] === 0 && address[10] === 0x5e && address[11] === 0xfe;
}

/** The address of a loopback name or address; `undefined` for every other host. */
export function loopbackAddress(hostname: string): string | undefined {
  const address = hostname === "localhost" ? "127.0.0.1" : hostname;
  const octets = parseIp(address);
  return octets !== undefined && specialKind(octets) === "loopback" ? address : undefined;
}

/** Whether a host is the address that stands for none, or for any. */
export function isUnspecified(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}
