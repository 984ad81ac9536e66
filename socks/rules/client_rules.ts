/**
 * The first stage of rules: who may talk to a server at all. Nothing is known then but where a client comes from.
 *
 * @module
 */
import { canonicalAddress, parseIp } from "../wire/ip.ts";
import { splitRule } from "./parse_rule.ts";
import { type Cidr, inCidr, parseBlock } from "../wire/cidr.ts";
import { type RuleAction, ruleLine } from "./rules.ts";
import { embeddedIpv4 } from "./special_ranges.ts";

/** One rule about where clients come from. */
export interface ClientRule {
  /** What it says. */
  readonly action: RuleAction;
  /** The rule as it was written. */
  readonly text: string;
  /** Addresses that it fits; every one, and those that are not known, where there is none. */
  readonly sources?: readonly Cidr[] | undefined;
}

/** A decision about a client. */
export interface ClientVerdict {
  /** The decision. */
  readonly allowed: boolean;
  /** What decided. */
  readonly reason: string;
  /** Rule that decided, where one did. */
  readonly rule?: ClientRule;
}

/**
 * Reads `SOURCE[,SOURCE]...`: addresses, blocks, or `*`.
 *
 * @throws {TypeError} When the text is none.
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
        `Cannot read client rule ${JSON.stringify(text)}: before a client has spoken, its address is all that is known`,
      );
    }
    return block;
  });
  const blocks = sources.filter((block) => block !== undefined);
  return Object.freeze({ action, text, ...(blocks.length === sources.length ? { sources: blocks } : {}) });
}

/**
 * Reads `allow SOURCES` or `deny SOURCES`; see {@linkcode parseClientRule}.
 *
 * @throws {TypeError} When the text is neither.
 */
export function parseClientRuleText(text: string): ClientRule {
  return parseClientRule(...splitRule(text, "client rule"));
}

/** Ordered rules about clients, the first that fits decides, and who fits none is denied. */
export class ClientRuleSet {
  readonly #rules: readonly ClientRule[];

  /**
   * Makes one.
   *
   * @param rules The rules, the first counting most.
   */
  constructor(rules: readonly ClientRule[]) {
    this.#rules = Object.freeze([...rules]);
  }

  /** About a client that connects. */
  judge(address: string | undefined): ClientVerdict {
    const bytes = address === undefined ? undefined : parseIp(canonicalAddress(address));
    for (const rule of this.#rules) {
      const { action, sources } = rule;
      const forms = bytes === undefined ? [] : [bytes, ...(action === "deny" ? embeddedIpv4(bytes) : [])];
      if (sources === undefined || sources.some((block) => forms.some((form) => inCidr(form, block)))) {
        return { allowed: action === "allow", reason: `client rule "${ruleLine(rule)}"`, rule };
      }
    }
    return { allowed: false, reason: "no client rule allows it" };
  }
}
