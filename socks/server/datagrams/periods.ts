/**
 * How long a verdict of the rules may be kept.
 *
 * @module
 */
import type { RuleSet } from "../../rules/rule_set.ts";
import type { TargetRequest } from "../targets/target.ts";

/** A period in which the same question to the rules has the same answer. */
export interface Period {
  /** The rules. */
  readonly rules: RuleSet;
  /** The request of the association: its client, where that is now. */
  readonly request: TargetRequest;
  /** The NAT64 prefixes. */
  readonly prefixes: readonly unknown[];
}

/** Tells one period from the next. */
export class Periods {
  #last: Period | undefined;

  /**
   * Returns the period that it is now: the object of the call before, unless something has changed that a verdict depends on. With rules that ask
   * for the time, and while NAT64 prefixes are looked up, each call is a period of its own.
   */
  current(rules: RuleSet, request: TargetRequest): Period {
    const { prefixes, pending } = rules.nat64;
    const last = this.#last;
    const goesOn = rules.isTimeless && pending === undefined &&
      last?.rules === rules && last.request === request && last.prefixes === prefixes;
    return goesOn ? last : this.#last = { rules, request, prefixes };
  }
}
