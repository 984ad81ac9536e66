/**
 * Whether the destinations and sources of a rule match a name or an address.
 *
 * @module
 */
import type { Destination, Rule, RuleAction } from "./rule.ts";
import type { Bytes } from "../../base/bytes.ts";
import { hostName } from "../wire/host_name.ts";
import { canonicalAddress, parseIp, unmapped } from "../wire/ip.ts";
import { type Cidr, inCidr } from "../wire/cidr.ts";
import { translated } from "./nat64.ts";
import { isBroad, namesSpecial } from "./special_ranges.ts";
import { embeddedIpv4 } from "./embedded_ipv4.ts";

/** Normalizes a name, or a domain with a dot in front; throws as `hostName` does. */
export function normalSuffix(text: string): string {
  return text.startsWith(".") ? `.${hostName(text.slice(1))}` : hostName(text);
}

/** An address to judge. */
export interface AddressQuery {
  /** The normalized host that resolved to it. */
  readonly hostname: string;
  /** The address. */
  readonly bytes: Bytes;
  /** NAT64 prefixes. */
  readonly prefixes: readonly Cidr[];
  /** Kind of the address if it is not public. */
  readonly special: string | undefined;
}

/** Whether a destination matches a normalized name. */
export function matchesName(destination: Destination, hostname: string): boolean {
  return destination.type === "any" || (destination.type === "domain" && matchesDomain(destination, hostname));
}

function matchesDomain({ suffix, exact }: Destination & { type: "domain" }, hostname: string): boolean {
  return exact ? hostname === suffix : hostname.endsWith(suffix);
}

/** Whether a destination matches an address. An allow rule matches an address that is not public only if it names the address. */
export function matchesDestination(action: RuleAction, destination: Destination, query: AddressQuery): boolean {
  const { hostname, bytes, prefixes, special } = query;
  const mustName = action === "allow" && special !== undefined;
  if (destination.type !== "address") return !mustName && matchesName(destination, hostname);
  const blocks = mustName
    ? destination.blocks.filter((block) => namesSpecial(block, bytes, prefixes))
    : destination.blocks;
  return inBlocks(action, blocks, bytes, prefixes);
}

/** Whether a rule's sources match a client. An unknown address matches every deny rule and no allow rule. */
export function matchesSource(action: RuleAction, sources: readonly Cidr[], source: string | undefined): boolean {
  const bytes = source === undefined ? undefined : parseIp(canonicalAddress(source));
  return bytes === undefined ? action === "deny" : inBlocks(action, sources, bytes);
}

/**
 * Whether blocks contain an address. Deny rules also match every IPv4 address that is embedded in it. Allow rules also match the IPv4 address
 * that a connection reaches: that of an IPv4-mapped address, or that of a NAT64 address.
 */
function inBlocks(
  action: RuleAction,
  blocks: readonly Cidr[],
  address: Bytes,
  prefixes: readonly Cidr[] = [],
): boolean {
  const carried = action === "deny" ? embeddedIpv4(address, prefixes) : [reachedAddress(address, prefixes)];
  return blocks.some((block) => inCidr(address, block) || carried.some((inner) => inCidr(inner, block)));
}

/** The address that a connection reaches: the IPv4 address of an IPv4-mapped or a NAT64 address, otherwise the address itself. */
export function reachedAddress(address: Bytes, prefixes: readonly Cidr[]): Uint8Array {
  return translated(address, prefixes)?.ipv4 ?? unmapped(address);
}

/** Whether a rule allows a block so broad that it counts as `*`. */
export function allowsBroadBlock({ action, destinations }: Rule): boolean {
  return action === "allow" &&
    destinations.some((destination) => destination.type === "address" && destination.blocks.some(isBroad));
}
