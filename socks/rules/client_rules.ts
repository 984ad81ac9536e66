/**
 * Client rules: which clients may connect at all. Only the client's address is known then.
 *
 * @module
 */
import { canonicalAddress, parseIp } from "../wire/ip.ts";
import { splitRule } from "./parse_rule.ts";
import { type Cidr, inCidr, parseBlock } from "../wire/cidr.ts";
import { type RuleAction, ruleLine } from "./rule.ts";
import { embeddedIpv4 } from "./embedded_ipv4.ts";

/** One client rule. */
export interface ClientRule {
  /** Verdict of the rule. */
  readonly action: RuleAction;
  /** The rule as it was written. */
  readonly text: string;
  /** Addresses that it matches. A rule without this list matches every address, also an unknown one. */
  readonly sources?: readonly Cidr[] | undefined;
}

/** The verdict about a client. */
export interface ClientVerdict {
  /** Whether the client is allowed. */
  readonly allowed: boolean;
  /** Reason of the verdict. */
  readonly reason: string;
  /** The rule that matched, if one did. */
  readonly rule?: ClientRule;
  /** Number of that rule in its list, from 1. */
  readonly number?: number;
}

/**
 * Parses `SOURCE[,SOURCE]...`: addresses, blocks, or `*`.
 *
 * @throws {TypeError} The text is no client rule.
 *
 * @example
 * ```ts
 * import { type ClientRule, parseClientRule } from "@gssocks/gssocks/socks";
 *
 * export const rule: ClientRule = parseClientRule("deny", "198.51.100.0/24");
 * ```
 */
export function parseClientRule(action: RuleAction, text: string): ClientRule {
  const parts = text.split(",");
  const sources = parts.map((part) => {
    let block: Cidr | undefined;
    try {
      block = parseBlock(part.trim());
    } catch (error) {
      throw new TypeError(`Cannot read client rule ${JSON.stringify(text)}: ${(error as Error).message}`);
    }
    if (block === undefined && part.trim() !== "*") {
      throw new TypeError(
        `Cannot read client rule ${
          JSON.stringify(text)
        }: a client rule can have addresses and blocks only, because nothing else is known before a client has sent anything`,
      );
    }
    return block;
  });
  const blocks = sources.filter((block) => block !== undefined);
  return Object.freeze({ action, text, ...(blocks.length === sources.length ? { sources: blocks } : {}) });
}

/**
 * Parses `allow SOURCES` or `deny SOURCES`; see {@linkcode parseClientRule}.
 *
 * @throws {TypeError} The text is neither.
 *
 * @example
 * ```ts
 * import { parseClientRuleText } from "@gssocks/gssocks/socks";
 *
 * if (parseClientRuleText("allow 192.0.2.0/24").action !== "allow") throw new Error("another action");
 * ```
 */
export function parseClientRuleText(text: string): ClientRule {
  return parseClientRule(...splitRule(text, "client rule"));
}

/**
 * Client rules in order. The first rule that matches decides; without a match the client is denied.
 *
 * @example
 * ```ts
 * import { ClientRuleSet, parseClientRuleText } from "@gssocks/gssocks/socks";
 *
 * const rules = new ClientRuleSet([parseClientRuleText("allow 192.0.2.0/24")]);
 * if (rules.judge("198.51.100.1").allowed) throw new Error("no rule fits");
 * ```
 */
export class ClientRuleSet {
  readonly #rules: readonly ClientRule[];

  /**
   * Creates a set of rules.
   *
   * @param rules The rules in order.
   */
  constructor(rules: readonly ClientRule[]) {
    this.#rules = Object.freeze([...rules]);
  }

  /** Judges a client that connects. */
  judge(address: string | undefined): ClientVerdict {
    const bytes = address === undefined ? undefined : parseIp(canonicalAddress(address));
    for (const [i, rule] of this.#rules.entries()) {
      const { action, sources } = rule;
      const forms = bytes === undefined ? [] : [bytes, ...(action === "deny" ? embeddedIpv4(bytes) : [])];
      if (sources === undefined || sources.some((block) => forms.some((form) => inCidr(form, block)))) {
        return { allowed: action === "allow", reason: `client rule "${ruleLine(rule)}"`, rule, number: i + 1 };
      }
    }
    return { allowed: false, reason: "no client rule allows it" };
  }
}
