/**
 * Rules of a configuration.
 *
 * @module
 */
import { withEnctypeNames } from "../../proxy/rule_enctypes.ts";
import { didYouMean } from "../command/suggestion.ts";
import { parseRuleText, UnknownConditionError } from "../../socks/rules/parse_rule.ts";
import type { Rule } from "../../socks/rules/rule.ts";
import { type RuleFields, ruleFromFields } from "../../socks/rules/rule_fields.ts";

/**
 * Reads a rule, which is a text or an object.
 *
 * @throws {TypeError} When it cannot be read.
 */
export function readRule(rule: string | RuleFields): Rule {
  try {
    return withEnctypeNames(typeof rule === "string" ? parseRuleText(rule) : ruleFromFields(rule));
  } catch (error) {
    if (!(error instanceof UnknownConditionError)) throw error;
    throw new TypeError(`${error.message}${didYouMean(error.condition, error.known)}`, { cause: error });
  }
}
