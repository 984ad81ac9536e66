/**
 * Addresses that are not public: those of RFC 6890 and its registries, and those of cloud metadata services.
 *
 * @module
 */
import { CARRIERS, embeddedIpv4 } from "./embedded_ipv4.ts";
import { ipv4Places, prefixesOf, translated } from "./nat64.ts";
import { parseIp } from "../wire/ip.ts";
import { type Cidr, inCidr, isWithin, parseCidr } from "../wire/cidr.ts";

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
 * The kind of an address that is not public, for example "loopback"; `undefined` for a public one. A NAT64 address has the kind of its IPv4
 * address, whatever its prefix is.
 *
 * @param nat64 NAT64 prefixes.
 */
export function specialKind(address: Uint8Array, nat64: readonly Cidr[] = []): string | undefined {
  const sent = translated(address, nat64);
  const forms = sent === undefined ? [address, ...embeddedIpv4(address, nat64)] : [sent.ipv4];
  for (const form of forms) {
    const found = BLOCKS.find(([, block]) => inCidr(form, block));
    if (found !== undefined) return found[0];
  }
  if (sent !== undefined) return undefined;
  // All public IPv6 addresses are in one block. Addresses with an embedded IPv4 address were judged by it above.
  const carries = CARRIERS.some(([block]) => inCidr(address, block));
  return address.length === 16 && !carries && !inCidr(address, GLOBAL_UNICAST) ? "reserved" : undefined;
}

/** Shortest prefix length of a block that names a network. Shorter ones are broad. */
const NAMING = 8;

/**
 * Whether a block is so broad that it names no network: `0.0.0.0/0`, its halves, and the like. A block inside one special range is never broad:
 * `fc00::/7`, `224.0.0.0/4`.
 */
export function isBroad(block: Cidr): boolean {
  return block.bits < NAMING && !BLOCKS.some(([, special]) => isWithin(block, special));
}

/**
 * Whether a block names an address that is not public: it is broad neither in IPv6 nor in the IPv4 addresses of a NAT64 prefix. The bits
 * around the IPv4 address do not count, because translators may ignore them (RFC 6052 section 2.2).
 */
export function namesSpecial(block: Cidr, address: Uint8Array, nat64: readonly Cidr[]): boolean {
  if (isBroad(block)) return false;
  const [prefix] = address.length === block.network.length ? prefixesOf(address, nat64) : [];
  if (prefix === undefined) return true;
  const [first] = ipv4Places(prefix.bits);
  return block.bits >= 8 * first! + NAMING;
}

/** Whether a host is `localhost`, or an address of the loopback interface. */
export function isLoopback(hostname: string): boolean {
  const bytes = parseIp(hostname);
  return hostname === "localhost" || (bytes !== undefined && specialKind(bytes) === "loopback");
}

/** Whether a host is the unspecified address (0.0.0.0 or ::). */
export function isUnspecified(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}
