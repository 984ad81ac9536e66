/**
 * Who may do what: ordered rules, the first that fits decides, and what no rule fits is denied. They are asked twice: about
 * the name before it is looked up, and about each address before it is used, so that a name cannot stand for an address
 * that is denied.
 *
 * Addresses that are not public (loopback, private, link-local, metadata services, ...) are denied unless a rule names
 * the address itself; a rule that allows a name, or everything, does not reach them, nor does one by a block that is as good as
 * everything.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { systemRuntime } from "../../base/runtime.ts";
import type { Identity, MethodName } from "../identity.ts";
import type { ProtectionLevel } from "../protection.ts";
import { hostName, HostNameError } from "../wire/host_name.ts";
import { canonicalAddress, parseIp, unmapped } from "../wire/ip.ts";
import { type Cidr, inCidr } from "../wire/cidr.ts";
import { translated } from "./nat64.ts";
import { coversMuch, embeddedIpv4, namesSpecial, specialKind, WELL_KNOWN_PREFIX } from "./special_ranges.ts";
import { checkUsers, fitsUser } from "./users.ts";

/** What a rule says of those that it fits. */
export type RuleAction = "allow" | "deny";

/**
 * What a client may ask for: CONNECT, BIND or UDP ASSOCIATE (RFC 1928 section 4), or to have a name or an address looked
 * up (Tor's RESOLVE and RESOLVE_PTR).
 */
export type CommandName = "connect" | "bind" | "udp" | "resolve";

/** One rule. Where a list is missing, the rule fits whatever stands there; a list fits what any of its items fits. */
export interface Rule {
  /** What it says. */
  readonly action: RuleAction;
  /** The rule as it was written. */
  readonly text: string;
  /** Destinations. */
  readonly destinations: readonly Destination[];
  /** First and last port of each range. */
  readonly ports?: readonly PortRange[] | undefined;
  /** Commands. */
  readonly commands?: readonly CommandName[] | undefined;
  /** Where clients come from. */
  readonly sources?: readonly Cidr[] | undefined;
  /** How clients authenticated. */
  readonly methods?: readonly MethodName[] | undefined;
  /**
   * Users or principals in the text form of RFC 1964 section 2.1.1, `component/component@REALM`; a `*` may stand at one
   * end of the name and at one end of the realm. A rule that denies fits all spellings of a user that Active Directory
   * takes for one. A well-known principal, such as `WELLKNOWN/ANONYMOUS@REALM` (RFC 8062), is allowed by name only.
   */
  readonly users?: readonly string[] | undefined;
  /** Realms of principals: whole, or with a `*` at one end. */
  readonly realms?: readonly string[] | undefined;
  /** Names of the encryption types of security contexts. */
  readonly enctypes?: readonly string[] | undefined;
  /** Levels at which the client's data is protected. */
  readonly protections?: readonly ProtectionLevel[] | undefined;
  /** Longest time since the user got the initial ticket, in milliseconds. */
  readonly maxTicketAge?: number | undefined;
  /** Name of the proxy that what is allowed goes through. */
  readonly upstream?: string | undefined;
}

/** First and last port. */
export type PortRange = readonly [number, number];

/** Destinations that a rule fits. */
export type Destination =
  | { readonly type: "any" }
  | { readonly type: "address"; readonly blocks: readonly Cidr[] }
  | { readonly type: "domain"; readonly suffix: string; readonly exact: boolean };

/** A decision with its reason. */
export interface Verdict {
  /** The decision. */
  readonly allowed: boolean;
  /** What decided: a rule's text, or what the address is. */
  readonly reason: string;
  /** Rule that decided, where one did. */
  readonly rule?: Rule;
}

/** What is asked about. */
export interface RuleQuery {
  /** Host as the client named it. */
  readonly hostname: string;
  /** Port. */
  readonly port: number;
  /** What the client asks for. */
  readonly command: CommandName;
  /** Who asks. */
  readonly identity: Identity;
  /** How the client's data is protected. */
  readonly protection: ProtectionLevel;
  /** Address of the client, where it has one. */
  readonly source?: string | undefined;
}

/** Translators between IPv6 and IPv4 (RFC 6052), beside that of `64:ff9b::/96`, which is known. */
export interface Nat64Source {
  /** Their prefixes, as they are known now. */
  readonly prefixes: readonly Cidr[];
  /** While they are being looked for, and may be there soon: resolved when they are, or are not waited for any more. */
  readonly pending?: Promise<void> | undefined;
}

/** What {@linkcode RuleSet} may be told beside its rules. */
export interface RuleSetOptions {
  /** Translators that IPv4 addresses are reached through. @default {that of 64:ff9b::/96 only} */
  readonly nat64?: Nat64Source | undefined;
}

const NO_PREFIXES: Nat64Source = { prefixes: [] };

const UNDECIDED: Verdict = { allowed: true, reason: "name is still to be looked up" };

/** Ordered rules. */
export class RuleSet {
  readonly #rules: readonly Rule[];
  readonly #now: () => number;
  /** Translators that IPv4 addresses are reached through. */
  readonly nat64: Nat64Source;

  /**
   * Makes one.
   *
   * @param rules The rules, the first counting most. A user or realm in them that cannot be read is a `TypeError`.
   * @param now Gives the time, in milliseconds since the epoch.
   * @throws {HostNameError} When a domain of a rule is none.
   */
  constructor(
    rules: readonly Rule[] = [],
    now: () => number = systemRuntime.now,
    { nat64 = NO_PREFIXES }: RuleSetOptions = {},
  ) {
    this.nat64 = nat64;
    this.#rules = Object.freeze(rules.map(withNormalNames));
    this.#now = now;
    this.#rules.forEach(checkUsers);
  }

  /** Before the name is looked up: denied where no address could change that. */
  judgeName(query: RuleQuery): Verdict {
    const hostname = hostOf(query);
    if (typeof hostname !== "string") return hostname;
    for (const rule of this.#rules) {
      if (!this.#fitsAllButPlace(rule, query)) continue;
      if (rule.destinations.some((place) => fitsName(place, hostname))) return verdictOf(rule);
      // The address is not known yet, and this rule may fit it.
      if (rule.destinations.some(({ type }) => type === "address")) return UNDECIDED;
    }
    return NOTHING_FITS;
  }

  /** About an address that is to be used. */
  judgeAddress(query: RuleQuery, address: string): Verdict {
    const bytes = parseIp(address);
    if (bytes === undefined) return { allowed: false, reason: `${JSON.stringify(address)} is not an address` };
    const hostname = hostOf(query);
    if (typeof hostname !== "string") return hostname;
    const asked = this.#askedAddress(hostname, bytes);
    // A system that is asked to connect to it connects to itself.
    if (dialled(bytes, asked.prefixes).every((byte) => byte === 0)) return NOWHERE;
    for (const rule of this.#rules) {
      if (!this.#fitsAllButPlace(rule, query)) continue;
      if (rule.destinations.some((place) => fitsPlace(rule.action, place, asked))) return verdictOf(rule);
    }
    return asked.special === undefined
      ? NOTHING_FITS
      : { allowed: false, reason: `${asked.special} address, which no rule allows` };
  }

  /**
   * About a name that the one asked for goes through on its way to an address: a search list's, or a CNAME. Denied where a rule that
   * denies it by name comes before any that would allow it there. What no rule speaks of does not matter: the name asked for, and
   * the address, decide.
   */
  judgeOnTheWay(query: RuleQuery, address: string): Verdict {
    const bytes = parseIp(address);
    const hostname = hostOf(query);
    if (typeof hostname !== "string") return hostname;
    if (bytes === undefined) return { allowed: false, reason: `${JSON.stringify(address)} is not an address` };
    const asked = this.#askedAddress(hostname, bytes);
    for (const rule of this.#rules) {
      if (!this.#fitsAllButPlace(rule, query)) continue;
      const { action, destinations } = rule;
      const places = destinations.filter(({ type }) => action === "allow" || type === "domain");
      if (places.some((place) => fitsPlace(action, place, asked))) return verdictOf(rule);
    }
    return NOT_SPOKEN_OF;
  }

  /** About a command whose places come later, if ever: denied where no host and no port could be allowed. */
  judgeCommand(query: Omit<RuleQuery, "hostname" | "port">): Verdict {
    for (const rule of this.#rules) {
      if (!this.#fitsClient(rule, query)) continue;
      const everywhere = rule.ports === undefined && rule.destinations.some(({ type }) => type === "any");
      if (rule.action === "allow" || everywhere) return verdictOf(rule);
    }
    return NOTHING_FITS;
  }

  #askedAddress(hostname: string, bytes: Bytes): AskedAddress {
    const prefixes = [...this.nat64.prefixes, WELL_KNOWN_PREFIX];
    return { hostname, bytes, prefixes, special: specialKind(bytes, prefixes) };
  }

  #fitsAllButPlace(rule: Rule, query: RuleQuery): boolean {
    const { port } = query;
    return (rule.ports?.some(([first, last]) => port >= first && port <= last) ?? true) &&
      this.#fitsClient(rule, query);
  }

  #fitsClient(rule: Rule, query: Omit<RuleQuery, "hostname" | "port">): boolean {
    const { identity, source } = query;
    const { enctype } = identity.attributes;
    return (rule.commands?.includes(query.command) ?? true) &&
      (rule.sources === undefined || fitsSource(rule.action, rule.sources, source)) &&
      (rule.methods?.includes(identity.method) ?? true) &&
      (rule.protections?.includes(query.protection) ?? true) &&
      fitsUser(rule, identity) &&
      (rule.enctypes?.includes(String(enctype)) ?? true) &&
      (rule.maxTicketAge === undefined || this.#ticketAge(identity) <= rule.maxTicketAge);
  }

  #ticketAge({ attributes: { authtime } }: Identity): number {
    return typeof authtime === "number" ? this.#now() - authtime : Infinity;
  }
}

/** The host asked about, in its one form; a denial where it is none. */
function hostOf({ hostname }: RuleQuery): string | Verdict {
  try {
    return hostName(hostname);
  } catch (error) {
    if (error instanceof HostNameError) return { allowed: false, reason: error.message };
    throw error;
  }
}

/** Rules come from anywhere; names in them are compared in the one form. */
function withNormalNames(rule: Rule): Rule {
  const destinations = rule.destinations.map((place) => {
    if (place.type !== "domain") return place;
    const suffix = normalSuffix(place.suffix);
    return suffix === place.suffix ? place : { ...place, suffix };
  });
  return destinations.every((place, i) => place === rule.destinations[i]) ? rule : { ...rule, destinations };
}

/** A name, or a domain with a dot in front, in its one form; throws as `hostName` does. */
export function normalSuffix(text: string): string {
  return text.startsWith(".") ? `.${hostName(text.slice(1))}` : hostName(text);
}

const NOT_SPOKEN_OF: Verdict = { allowed: true, reason: "no rule denies it" };
const NOTHING_FITS: Verdict = { allowed: false, reason: "no rule allows it" };

function verdictOf(rule: Rule): Verdict {
  return { allowed: rule.action === "allow", reason: `rule "${ruleLine(rule)}"`, rule };
}

/** A rule as it stands in reasons and logs. */
export function ruleLine({ action, text }: Pick<Rule, "action" | "text">): string {
  return `${action} ${text}`;
}

/** A client whose address is not known is denied by what denies any source, and allowed by nothing that asks for one. */
function fitsSource(action: RuleAction, sources: readonly Cidr[], source: string | undefined): boolean {
  const bytes = source === undefined ? undefined : parseIp(canonicalAddress(source));
  return bytes === undefined ? action === "deny" : inBlocks(action, sources, bytes);
}

function fitsName(place: Destination, hostname: string): boolean {
  return place.type === "any" || (place.type === "domain" && fitsDomain(place, hostname));
}

function fitsDomain({ suffix, exact }: Destination & { type: "domain" }, hostname: string): boolean {
  return exact ? hostname === suffix : hostname.endsWith(suffix);
}

/** An address, and what is known of it. */
interface AskedAddress {
  /** The host that stands for it, in its one form. */
  readonly hostname: string;
  readonly bytes: Bytes;
  /** Prefixes of translators. */
  readonly prefixes: readonly Cidr[];
  /** What it is where it is not public. */
  readonly special: string | undefined;
}

/** Only a rule that names the address opens what is not public. */
function fitsPlace(action: RuleAction, place: Destination, asked: AskedAddress): boolean {
  const { hostname, bytes, prefixes, special } = asked;
  const named = action === "allow" && special !== undefined;
  if (place.type !== "address") return !named && fitsName(place, hostname);
  const blocks = named ? place.blocks.filter((block) => namesSpecial(block, bytes, prefixes)) : place.blocks;
  return inBlocks(action, blocks, bytes, prefixes);
}

/**
 * An address is denied by every address that it carries, in whatever disguise, and allowed as what it is, as the IPv4
 * address that it is mapped from, or as the one that a translator sends it to.
 */
function inBlocks(
  action: RuleAction,
  blocks: readonly Cidr[],
  address: Bytes,
  prefixes: readonly Cidr[] = [],
): boolean {
  const carried = action === "deny" ? embeddedIpv4(address, prefixes) : [dialled(address, prefixes)];
  return blocks.some((block) => inCidr(address, block) || carried.some((inner) => inCidr(inner, block)));
}

/** The address that is connected to in the end: the IPv4 one that it is mapped from, or that a translator sends it to. */
function dialled(address: Bytes, prefixes: readonly Cidr[]): Uint8Array {
  return translated(address, prefixes)?.ipv4 ?? unmapped(address);
}

/** Whatever a rule says. */
const NOWHERE: Verdict = { allowed: false, reason: "unspecified address, which no rule allows" };

/** Whether a rule allows by a block so large that it counts as `*`. */
export function allowsMuch({ action, destinations }: Rule): boolean {
  return action === "allow" &&
    destinations.some((place) => place.type === "address" && place.blocks.some(coversMuch));
}
