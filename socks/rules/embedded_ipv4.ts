/**
 * IPv4 addresses inside IPv6 addresses, so that another spelling of an address cannot bypass a rule.
 *
 * @module
 */
import { ipv4Under, prefixesOf, translated, WELL_KNOWN_PREFIX } from "./nat64.ts";
import { type Cidr, inCidr, parseCidr } from "../wire/cidr.ts";

/** The block for local NAT64 (RFC 8215). A prefix in it may have any length of RFC 6052 section 2.2. */
const LOCAL_USE: Cidr = parseCidr("64:ff9b:1::/48")!;

export const CARRIERS: readonly (readonly [Cidr, (bytes: Uint8Array) => Uint8Array])[] = [
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
  // Teredo (RFC 4380): the server, and the client with all bits inverted
  [parseCidr("2001::/32")!, (bytes) => bytes.subarray(4, 8)],
  [parseCidr("2001::/32")!, (bytes) => bytes.slice(12).map((byte) => byte ^ 0xff)],
];

/**
 * The IPv4 addresses inside an IPv6 address.
 *
 * @param nat64 NAT64 prefixes.
 */
export function embeddedIpv4(address: Uint8Array, nat64: readonly Cidr[] = []): readonly Uint8Array[] {
  if (address.length !== 16) return [];
  // :: and ::1 are not IPv4-compatible addresses.
  if (address.subarray(0, 15).every((byte) => byte === 0) && address[15]! <= 1) return [];
  const sent = prefixesOf(address, nat64).map((prefix) => ipv4Under(prefix, address));
  // The prefix is certain, so other forms do not count.
  if (translated(address, nat64) !== undefined) return sent;
  const carried = [...CARRIERS.filter(([block]) => inCidr(address, block)).map(([, take]) => take(address)), ...sent];
  return isIsatap(address) ? [...carried, address.subarray(12)] : carried;
}

/** ISATAP (RFC 5214 section 6.1): under any prefix, an interface identifier that is an IPv4 address. */
function isIsatap(address: Uint8Array): boolean {
  return (address[8]! & ~0x02) === 0 && address[9] === 0 && address[10] === 0x5e && address[11] === 0xfe;
}
