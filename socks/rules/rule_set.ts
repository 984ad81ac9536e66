/**
 * Ordered rules: the first rule that matches decides, and requests without a match are denied. Rules judge twice: the name before it is looked
 * up, and each address before it is used. So a name cannot stand for an address that is denied.
 *
 * Addresses that are not public (loopback, private, link-local, metadata services, ...) are denied unless a rule names the address itself. A
 * rule that allows a name, everything, or a very broad block does not include them.
 *
 * @module
 */
import {
  type AddressQuery,
  matchesDestination,
  matchesName,
  matchesSource,
  normalSuffix,
  reachedAddress,
} from "./destination.ts";
import { type Nat64Source, WELL_KNOWN_PREFIX } from "./nat64.ts";
import { NO_RULE_ALLOWS, NO_RULE_DENIES, UNDECIDED, UNSPECIFIED_ADDRESS, type Verdict, verdictOf } from "./verdict.ts";
import type { Rule, RuleQuery } from "./rule.ts";
import type { Bytes } from "../../base/bytes.ts";
import { systemRuntime } from "../../base/runtime.ts";
import type { Identity } from "../identity.ts";
import { hostName, HostNameError } from "../wire/host_name.ts";
import { parseIp } from "../wire/ip.ts";
import { specialKind } from "./special_ranges.ts";
import { checkAccounts, matchesAccount } from "./accounts.ts";
import { checkUsers, matchesUser } from "./users.ts";

/** Options of {@linkcode RuleSet}. */
export interface RuleSetOptions {
  /** Translators that IPv4 addresses are reached through. @default {that of 64:ff9b::/96 only} */
  readonly nat64?: Nat64Source | undefined;
}

const NO_PREFIXES: Nat64Source = { prefixes: [] };

/**
 * Rules in order.
 *
 * @example
 * ```ts
 * import { parseRuleText, RuleSet } from "@gssocks/gssocks/socks";
 *
 * const rules = new RuleSet([parseRuleText("deny 10.0.0.0/8"), parseRuleText("allow *:443")]);
 * if (typeof rules.judgeName !== "function") throw new Error("no judge");
 * ```
 */
export class RuleSet {
  readonly #rules: readonly Rule[];
  readonly #now: () => number;
  /** Whether no rule asks what time it is, so that a verdict holds as long as {@linkcode nat64} does not change. */
  readonly isTimeless: boolean;
  /** Translators that IPv4 addresses are reached through. */
  readonly nat64: Nat64Source;

  /**
   * Creates a set of rules.
   *
   * @param rules The rules in order.
   * @param now Returns the time in milliseconds since the epoch.
   * @throws {TypeError} A user, realm, account, SID or group of a rule is invalid.
   * @throws {HostNameError} A domain of a rule is invalid.
   */
  constructor(
    rules: readonly Rule[] = [],
    now: () => number = systemRuntime.now,
    { nat64 = NO_PREFIXES }: RuleSetOptions = {},
  ) {
    this.nat64 = nat64;
    this.#rules = Object.freeze(rules.map(withNormalNames));
    this.isTimeless = this.#rules.every(({ maxTicketAge }) => maxTicketAge === undefined);
    this.#now = now;
    this.#rules.forEach(checkUsers);
    this.#rules.forEach(checkAccounts);
  }

  /** Judges a request before its name is looked up. It is denied if no address could be allowed. */
  judgeName(query: RuleQuery): Verdict {
    const hostname = hostOf(query);
    if (typeof hostname !== "string") return hostname;
    for (const [i, rule] of this.#rules.entries()) {
      if (!this.#matchesExceptDestination(rule, query)) continue;
      if (rule.destinations.some((place) => matchesName(place, hostname))) return verdictOf(rule, i + 1);
      // The address is not known yet, and this rule may match it.
      if (rule.destinations.some(({ type }) => type === "address")) return UNDECIDED;
    }
    return NO_RULE_ALLOWS;
  }

  /** Judges a request for an address before the address is used. */
  judgeAddress(query: RuleQuery, address: string): Verdict {
    const bytes = parseIp(address);
    if (bytes === undefined) return { allowed: false, reason: `${JSON.stringify(address)} is not an address` };
    const hostname = hostOf(query);
    if (typeof hostname !== "string") return hostname;
    const asked = this.#addressQuery(hostname, bytes);
    // A connection to the unspecified address reaches the machine itself.
    if (reachedAddress(bytes, asked.prefixes).every((byte) => byte === 0)) return UNSPECIFIED_ADDRESS;
    for (const [i, rule] of this.#rules.entries()) {
      if (!this.#matchesExceptDestination(rule, query)) continue;
      if (rule.destinations.some((place) => matchesDestination(rule.action, place, asked))) {
        return verdictOf(rule, i + 1);
      }
    }
    return asked.special === undefined
      ? NO_RULE_ALLOWS
      : { allowed: false, reason: `${asked.special} address, which no rule allows` };
  }

  /**
   * Judges a name on the way to an address: a name with a domain of the search list, or a CNAME. It is denied if the first rule that matches
   * denies the name. Without a match it is allowed, because the requested name and the address decide.
   */
  judgeOnTheWay(query: RuleQuery, address: string): Verdict {
    const bytes = parseIp(address);
    const hostname = hostOf(query);
    if (typeof hostname !== "string") return hostname;
    if (bytes === undefined) return { allowed: false, reason: `${JSON.stringify(address)} is not an address` };
    const asked = this.#addressQuery(hostname, bytes);
    for (const [i, rule] of this.#rules.entries()) {
      if (!this.#matchesExceptDestination(rule, query)) continue;
      const { action, destinations } = rule;
      const places = destinations.filter(({ type }) => action === "allow" || type === "domain");
      if (places.some((place) => matchesDestination(action, place, asked))) return verdictOf(rule, i + 1);
    }
    return NO_RULE_DENIES;
  }

  /** Judges a command whose destinations come later or never. It is denied if no host and port could be allowed. */
  judgeCommand(query: Omit<RuleQuery, "hostname" | "port">): Verdict {
    for (const [i, rule] of this.#rules.entries()) {
      if (!this.#matchesClient(rule, query)) continue;
      const everywhere = rule.ports === undefined && rule.destinations.some(({ type }) => type === "any");
      if (rule.action === "allow" || everywhere) return verdictOf(rule, i + 1);
    }
    return NO_RULE_ALLOWS;
  }

  #addressQuery(hostname: string, bytes: Bytes): AddressQuery {
    const prefixes = [...this.nat64.prefixes, WELL_KNOWN_PREFIX];
    return { hostname, bytes, prefixes, special: specialKind(bytes, prefixes) };
  }

  #matchesExceptDestination(rule: Rule, query: RuleQuery): boolean {
    const { port } = query;
    return (rule.ports?.some(([first, last]) => port >= first && port <= last) ?? true) &&
      this.#matchesClient(rule, query);
  }

  #matchesClient(rule: Rule, query: Omit<RuleQuery, "hostname" | "port">): boolean {
    const { identity, source } = query;
    const { enctype } = identity.attributes;
    return (rule.commands?.includes(query.command) ?? true) &&
      (rule.sources === undefined || matchesSource(rule.action, rule.sources, source)) &&
      (rule.methods?.includes(identity.method) ?? true) &&
      (rule.protections?.includes(query.protection) ?? true) &&
      matchesUser(rule, identity) &&
      matchesAccount(rule, identity) &&
      (rule.enctypes?.includes(String(enctype)) ?? true) &&
      (rule.maxTicketAge === undefined || this.#ticketAge(identity) <= rule.maxTicketAge);
  }

  #ticketAge({ attributes: { authtime } }: Identity): number {
    return typeof authtime === "number" ? this.#now() - authtime : Infinity;
  }
}

/** The normalized host, or a verdict that denies an invalid one. */
function hostOf({ hostname }: RuleQuery): string | Verdict {
  try {
    return hostName(hostname);
  } catch (error) {
    if (error instanceof HostNameError) return { allowed: false, reason: error.message };
    throw error;
  }
}

/** Normalizes the names in a rule that may not come from a parser. */
function withNormalNames(rule: Rule): Rule {
  const destinations = rule.destinations.map((place) => {
    if (place.type !== "domain") return place;
    const suffix = normalSuffix(place.suffix);
    return suffix === place.suffix ? place : { ...place, suffix };
  });
  return destinations.every((place, i) => place === rule.destinations[i]) ? rule : { ...rule, destinations };
}
