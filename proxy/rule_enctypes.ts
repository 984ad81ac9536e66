/**
 * Encryption types in rules, by the names that security contexts have. A rule that denies one must match every spelling.
 *
 * @module
 */
import { enctypeByName, enctypeName } from "../kerberos/crypto/enctypes.ts";
import type { Rule } from "../socks/rules/rule.ts";

/** Registered names, including those that no context can have: denying these too is no mistake. */
const REGISTERED: readonly string[] = Array.from({ length: 26 }, (_, i) => enctypeName(i + 1))
  .filter((name) => !name.startsWith("enctype "));
/** MIT's other names for types that are only named here. */
const ALIASES: Readonly<Record<string, string>> = { "rc4-hmac": "arcfour-hmac", "des3-hmac-sha1": "des3-cbc-sha1" };

/**
 * Returns the rule with registered names, for any case and any short form of MIT.
 *
 * @throws {TypeError} When there is no such encryption type.
 */
export function withEnctypeNames(rule: Rule): Rule {
  const { enctypes, text } = rule;
  if (enctypes === undefined) return rule;
  return { ...rule, enctypes: enctypes.map((name) => registered(name, text)) };
}

function registered(name: string, rule: string): string {
  const enctype = enctypeByName(name);
  if (enctype !== undefined) return enctypeName(enctype);
  const lower = name.toLowerCase();
  const known = Object.hasOwn(ALIASES, lower) ? ALIASES[lower]! : lower;
  if (REGISTERED.includes(known)) return known;
  throw new TypeError(
    `Cannot use rule ${JSON.stringify(rule)}: "${name}" is no encryption type; ${REGISTERED.join(", ")} are`,
  );
}
