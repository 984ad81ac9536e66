/**
 * Addresses that are not the public Internet (RFC 6890 and its registries, cloud metadata services), and the IPv4 address
 * inside the IPv6 forms that carry one, so that no disguise gets around a rule.
 *
 * @module
 */
import { parseIp } from "../wire/ip.ts";
import { type Cidr, inCidr, isWithin, parseCidr } from "../wire/cidr.ts";
import { ipv4Places, ipv4Under, prefixesOf, translated } from "./nat64.ts";

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

/**
 * What an address is instead of public, for example "loopback"; `undefined` for a public one. One that a translator sends on is
 * what it is sent to, wherever the prefix is from.
 *
 * @param nat64 Prefixes of translators.
 */
export function specialKind(address: Uint8Array, nat64: readonly Cidr[] = []): string | undefined {
  const sent = translated(address, nat64);
  const forms = sent === undefined ? [address, ...embeddedIpv4(address, nat64)] : [sent.ipv4];
  for (const form of forms) {
    const found = BLOCKS.find(([, block]) => inCidr(form, block));
    if (found !== undefined) return found[0];
  }
  if (sent !== undefined) return undefined;
  // All of IPv6 that was given out is in one block; forms that carry an IPv4 address were judged by that.
  const carries = CARRIERS.some(([block]) => inCidr(address, block));
  return address.length === 16 && !carries && !inCidr(address, GLOBAL_UNICAST) ? "reserved" : undefined;
}

/** The shortest block that names a network, rather than a part of all there are. */
const NAMING = 8;

/**
 * Whether a block is so large that it names nothing: `0.0.0.0/0`, and the halves of it, as much as what is left of it without some
 * networks. A range that is special as a whole is named by its own block, whatever its length: `fc00::/7`, `224.0.0.0/4`.
 */
export function coversMuch(block: Cidr): boolean {
  return block.bits < NAMING && !BLOCKS.some(([, special]) => isWithin(block, special));
}

/**
 * Whether a block names an address that is not public: it is no part of all there are, nor of all that a translator reaches. Which
 * bits stand around the IPv4 address does not matter: translators need not look at them (RFC 6052 section 2.2).
 */
export function namesSpecial(block: Cidr, address: Uint8Array, nat64: readonly Cidr[]): boolean {
  if (coversMuch(block)) return false;
  const [prefix] = address.length === block.network.length ? prefixesOf(address, nat64) : [];
  if (prefix === undefined) return true;
  const [first] = ipv4Places(prefix.bits);
  return block.bits >= 8 * first! + NAMING;
}

/** NAT64 of everybody's (RFC 6052 section 2.1): where it is reached at all, it is a translator's. */
export const WELL_KNOWN_PREFIX: Cidr = parseCidr("64:ff9b::/96")!;
/** NAT64 of one's own (RFC 8215), which may have a prefix of any length in there (RFC 6052 section 2.2). */
const LOCAL_USE: Cidr = parseCidr("64:ff9b:1::/48")!;

const CARRIERS: readonly (readonly [Cidr, (bytes: Uint8Array) => Uint8Array])[] = [
  // IPv4-mapped and IPv4-compatible (RFC 4291 section 2.5.5), IPv4-translated (RFC 2765), NAT64 (RFC 6052)
  [parseCidr("::ffff:0:0/96")!, (bytes) => bytes.subarray(12)],
  [parseCidr("::/96")!, (bytes) => bytes.subarray(12)],
  [parseCidr("::ffff:0:0:0/96")!, (bytes) => bytes.subarray(12)],
  [WELL_KNOWN_PREFIX, (bytes) => bytes.subarray(12)],
  ...[48, 56, 64, 96].map((bits) =>
    [LOCAL_USE, (bytes: Uint8Array): Uint8Array => ipv4Under({ network: LOCAL_USE.network, bits }, bytes)] as const
  ),
  // 6to4 (RFC 3056)
  [parseCidr("2002::/16")!, (bytes) => bytes.subarray(2, 6)],
  // Teredo (RFC 4380): the server, and the client with all bits turned over
  [parseCidr("2001::/32")!, (bytes) => bytes.subarray(4, 8)],
  [parseCidr("2001::/32")!, (bytes) => bytes.slice(12).map((byte) => byte ^ 0xff)],
];

/**
 * IPv4 addresses that an IPv6 address stands for.
 *
 * @param nat64 Prefixes of translators.
 */
export function embeddedIpv4(address: Uint8Array, nat64: readonly Cidr[] = []): readonly Uint8Array[] {
  if (address.length !== 16) return [];
  // :: and ::1 look IPv4-compatible and are not.
  if (address.subarray(0, 15).every((byte) => byte === 0) && address[15]! <= 1) return [];
  const sent = prefixesOf(address, nat64).map((prefix) => ipv4Under(prefix, address));
  // Of which prefix it is need not be guessed then.
  if (translated(address, nat64) !== undefined) return sent;
  const carried = [...CARRIERS.filter(([block]) => inCidr(address, block)).map(([, take]) => take(address)), ...sent];
  return isIsatap(address) ? [...carried, address.subarray(12)] : carried;
}

/** ISATAP (RFC 5214 section 6.1): under any prefix, an interface identifier that is an IPv4 address. */
function isIsatap(address: Uint8Array): boolean {
  return (address[8]! & ~0x02) === 0 && address[9] === 0 && address[10] === 0x5e && address[11] === 0xfe;
}

/** Whether a host is `localhost`, or an address of the loopback interface. */
export function isLoopback(hostname: string): boolean {
  const bytes = parseIp(hostname);
  return hostname === "localhost" || (bytes !== undefined && specialKind(bytes) === "loopback");
}

/** Whether a host is the address that stands for none, or for any. */
export function isUnspecified(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}
