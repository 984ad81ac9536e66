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
import { type AskedAddress, dialled, fitsName, fitsPlace, fitsSource, normalSuffix } from "./destination.ts";
import { type Nat64Source, WELL_KNOWN_PREFIX } from "./nat64.ts";
import { NOT_SPOKEN_OF, NOTHING_FITS, NOWHERE, UNDECIDED, type Verdict, verdictOf } from "./verdict.ts";
import type { Rule, RuleQuery } from "./rule.ts";
import type { Bytes } from "../../base/bytes.ts";
import { systemRuntime } from "../../base/runtime.ts";
import type { Identity } from "../identity.ts";
import { hostName, HostNameError } from "../wire/host_name.ts";
import { parseIp } from "../wire/ip.ts";
import { specialKind } from "./special_ranges.ts";
import { checkUsers, fitsUser } from "./users.ts";

/** What {@linkcode RuleSet} may be told beside its rules. */
export interface RuleSetOptions {
  /** Translators that IPv4 addresses are reached through. @default {that of 64:ff9b::/96 only} */
  readonly nat64?: Nat64Source | undefined;
}

const NO_PREFIXES: Nat64Source = { prefixes: [] };

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
