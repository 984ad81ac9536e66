/**
 * Verdicts of rules.
 *
 * @module
 */
import { type Rule, ruleLine } from "./rule.ts";

/** A decision with its reason. */
export interface Verdict {
  /** The decision. */
  readonly allowed: boolean;
  /** What decided: a rule's text, or what the address is. */
  readonly reason: string;
  /** Rule that decided, where one did. */
  readonly rule?: Rule;
}

export const UNDECIDED: Verdict = { allowed: true, reason: "name is still to be looked up" };

export const NOT_SPOKEN_OF: Verdict = { allowed: true, reason: "no rule denies it" };

export const NOTHING_FITS: Verdict = { allowed: false, reason: "no rule allows it" };

/** Whatever a rule says. */
export const NOWHERE: Verdict = { allowed: false, reason: "unspecified address, which no rule allows" };

export function verdictOf(rule: Rule): Verdict {
  return { allowed: rule.action === "allow", reason: `rule "${ruleLine(rule)}"`, rule };
}
