/**
 * Whether a rule's destinations and sources fit a name or an address.
 *
 * @module
 */
import type { Destination, Rule, RuleAction } from "./rule.ts";
import type { Bytes } from "../../base/bytes.ts";
import { hostName } from "../wire/host_name.ts";
import { canonicalAddress, parseIp, unmapped } from "../wire/ip.ts";
import { type Cidr, inCidr } from "../wire/cidr.ts";
import { translated } from "./nat64.ts";
import { coversMuch, namesSpecial } from "./special_ranges.ts";
import { embeddedIpv4 } from "./embedded_ipv4.ts";

/** A name, or a domain with a dot in front, in its one form; throws as `hostName` does. */
export function normalSuffix(text: string): string {
  return text.startsWith(".") ? `.${hostName(text.slice(1))}` : hostName(text);
}

/** An address, and what is known of it. */
export interface AskedAddress {
  /** The host that stands for it, in its one form. */
  readonly hostname: string;
  readonly bytes: Bytes;
  /** Prefixes of translators. */
  readonly prefixes: readonly Cidr[];
  /** What it is where it is not public. */
  readonly special: string | undefined;
}

export function fitsName(place: Destination, hostname: string): boolean {
  return place.type === "any" || (place.type === "domain" && fitsDomain(place, hostname));
}

function fitsDomain({ suffix, exact }: Destination & { type: "domain" }, hostname: string): boolean {
  return exact ? hostname === suffix : hostname.endsWith(suffix);
}

/** Only a rule that names the address opens what is not public. */
export function fitsPlace(action: RuleAction, place: Destination, asked: AskedAddress): boolean {
  const { hostname, bytes, prefixes, special } = asked;
  const named = action === "allow" && special !== undefined;
  if (place.type !== "address") return !named && fitsName(place, hostname);
  const blocks = named ? place.blocks.filter((block) => namesSpecial(block, bytes, prefixes)) : place.blocks;
  return inBlocks(action, blocks, bytes, prefixes);
}

/** A client whose address is not known is denied by what denies any source, and allowed by nothing that asks for one. */
export function fitsSource(action: RuleAction, sources: readonly Cidr[], source: string | undefined): boolean {
  const bytes = source === undefined ? undefined : parseIp(canonicalAddress(source));
  return bytes === undefined ? action === "deny" : inBlocks(action, sources, bytes);
}

/**
 * An address is denied by every address that it carries, in whatever disguise, and allowed as what it is, as the IPv4
 * address that it is mapped from, or as the one that a translator sends it to.
 */
export function inBlocks(
  action: RuleAction,
  blocks: readonly Cidr[],
  address: Bytes,
  prefixes: readonly Cidr[] = [],
): boolean {
  const carried = action === "deny" ? embeddedIpv4(address, prefixes) : [dialled(address, prefixes)];
  return blocks.some((block) => inCidr(address, block) || carried.some((inner) => inCidr(inner, block)));
}

/** The address that is connected to in the end: the IPv4 one that it is mapped from, or that a translator sends it to. */
export function dialled(address: Bytes, prefixes: readonly Cidr[]): Uint8Array {
  return translated(address, prefixes)?.ipv4 ?? unmapped(address);
}

/** Whether a rule allows by a block so large that it counts as `*`. */
export function allowsMuch({ action, destinations }: Rule): boolean {
  return action === "allow" &&
    destinations.some((place) => place.type === "address" && place.blocks.some(coversMuch));
}
