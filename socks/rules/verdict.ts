/**
 * Verdicts of rules.
 *
 * @module
 */
import { type DecidingRule, type Rule, ruleLine } from "./rule.ts";

/** A verdict with its reason. */
export interface Verdict {
  /** Whether the request is allowed. */
  readonly allowed: boolean;
  /** Reason: the text of a rule, or the kind of the address. */
  readonly reason: string;
  /** The rule that matched, if one did. */
  readonly rule?: Rule;
  /** Number of that rule in its list, from 1. */
  readonly number?: number;
}

/** No verdict yet: the address may match a rule. */
export const UNDECIDED: Verdict = { allowed: true, reason: "name is still to be looked up" };

/** No rule denies a name on the way. */
export const NO_RULE_DENIES: Verdict = { allowed: true, reason: "no rule denies it" };

/** Requests are denied unless a rule allows them. */
export const NO_RULE_ALLOWS: Verdict = { allowed: false, reason: "no rule allows it" };

/** Verdict for the unspecified address, regardless of the rules. */
export const UNSPECIFIED_ADDRESS: Verdict = { allowed: false, reason: "unspecified address, which no rule allows" };

/** The verdict of a rule that matched; `number` is its place in its list, from 1. */
export function verdictOf(rule: Rule, number: number): Verdict {
  return { allowed: rule.action === "allow", reason: `rule "${ruleLine(rule)}"`, rule, number };
}

/** The rule of a verdict for logs, if a rule decided. */
export function decidingRule({ rule, number }: Pick<Verdict, "rule" | "number">): DecidingRule | undefined {
  return rule === undefined || number === undefined ? undefined : { number, text: ruleLine(rule) };
}
