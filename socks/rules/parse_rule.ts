/**
 * Rules as text.
 *
 * @module
 */
import { type RuleFields, ruleFromFields } from "./rule_fields.ts";
import type { Rule, RuleAction } from "./rule.ts";

/** Names of conditions in the text of a rule, and their fields. */
const CONDITIONS: Readonly<Record<string, Exclude<keyof RuleFields, "action" | "maxTicketAge" | "upstream">>> = {
  port: "ports",
  command: "commands",
  from: "sources",
  method: "methods",
  user: "users",
  realm: "realms",
  account: "accounts",
  sid: "sids",
  group: "groups",
  enctype: "enctypes",
  protection: "protections",
};

/**
 * Parses a rule: `DESTINATION[:PORTS][,CONDITION=VALUE]...`, where DESTINATION is an address, a block (`10.0.0.0/8`,
 * `[fd00::]/8`), a host name, a domain with a dot in front (`.example.com`), `localhost` (which stands for the loopback
 * addresses), or `*`; PORTS is a port, a range (`8000-8999`) or a name (`https`). Conditions are `user` (a user or principal; a `*`
 * at one end of its name or realm is a wildcard: `*@EXAMPLE.COM`, `host/*@EXAMPLE.COM`, `alice@*`), `realm`, `account`, `sid` and `group` (who the client is at Active Directory,
 * by the stored name, `alice@corp.example`, and by SID), `from` (an address or block), `command` (connect, bind,
 * udp, resolve), `method` (gssapi, password, none), `protection`, `enctype`, `port`, `ticket-age` (`8h`) and `upstream`. A condition
 * that is given twice matches either value. A value that has a comma or starts with a quotation mark stands in quotation marks; inside them
 * a quotation mark is doubled: `user="Doe, John@EXAMPLE.COM"`. In users and realms a backslash escapes the next character (RFC 1964
 * section 2.1.1), also a `*`.
 *
 * @throws {TypeError} The text is no rule, or the rule can match no client.
 *
 * @example
 * ```ts
 * import { parseRule } from "@gssocks/gssocks/socks";
 *
 * const rule = parseRule("allow", "10.1.0.0/16:443,user=*@EXAMPLE.COM");
 * if (rule.ports?.[0]?.[0] !== 443) throw new Error("port not read");
 * ```
 */
export function parseRule(action: RuleAction, text: string): Rule {
  const fail = (problem: string) => new TypeError(`Cannot read rule ${JSON.stringify(text)}: ${problem}`);
  const { place, conditions, rest } = splitConditions(text);
  if (rest !== "") {
    const blank = /^[^="]+=(?:\s|[^"]*\s$)/.test(rest)
      ? "; a value with a blank at an end stands in quotation marks"
      : "";
    throw fail(
      `"${rest}" is not a condition${
        blank || `; a condition is NAME=VALUE with one of ${conditionNames().join(", ")}`
      }`,
    );
  }
  const parts = /^(\[[^\]]+\](?:\/\d+)?|[^:]*(?::[^:]*:.*)?)(?::(\d{1,5}(?:-\d{1,5})?|[A-Za-z][\w-]*))?$/.exec(place);
  if (parts === null || parts[1] === "") {
    throw fail("DESTINATION[:PORTS] wanted, such as 10.0.0.0/8:443, .example.com or *:http");
  }
  const lists: Partial<Record<(typeof CONDITIONS)[string], string[]>> = {};
  const single: { maxTicketAge?: string; upstream?: string } = {};
  for (const [name, value] of conditions) {
    const field = Object.hasOwn(CONDITIONS, name) ? CONDITIONS[name] : undefined;
    if (field !== undefined) (lists[field] ??= []).push(value);
    else if (name === "ticket-age" && single.maxTicketAge === undefined) single.maxTicketAge = value;
    else if (name === "upstream" && single.upstream === undefined) single.upstream = value;
    else if (ONCE.includes(name)) throw fail(`${name} stands twice; write a rule for each value`);
    else throw new UnknownConditionError(text, name, value);
  }
  if (parts[2] !== undefined) (lists.ports ??= []).push(parts[2]);
  try {
    return { ...ruleFromFields({ action, destinations: [parts[1]!], ...lists, ...single }), text };
  } catch (error) {
    throw fail((error as Error).message);
  }
}

/** Thrown for a condition that rules do not have. */
export class UnknownConditionError extends TypeError {
  /** Name of the condition. */
  readonly condition: string;
  /** Names of the conditions that there are. */
  readonly known: readonly string[] = conditionNames();

  /**
   * Creates an error.
   *
   * @param rule Text of the rule.
   * @param condition Name of the condition.
   * @param value Its value.
   */
  constructor(rule: string, condition: string, value: string) {
    const conditions = conditionNames().join(", ");
    super(
      `Cannot read rule ${
        JSON.stringify(rule)
      }: "${condition}=${value}" is not a condition; the conditions are ${conditions}`,
    );
    this.condition = condition;
  }
}

/** Conditions that may stand once. */
const ONCE: readonly string[] = ["ticket-age", "upstream"];

function conditionNames(): readonly string[] {
  return [...Object.keys(CONDITIONS), ...ONCE];
}

const CONDITION = /,([^=,"]+)=(?:"((?:[^"]|"")*)"|((?!")[^,]*))(?=,|$)/y;

/** Splits a rule at the commas outside of quotation marks. `rest` is the text that is no condition. */
function splitConditions(
  text: string,
): { place: string; conditions: (readonly [name: string, value: string])[]; rest: string } {
  const place = text.split(",", 1)[0]!;
  const conditions: (readonly [string, string])[] = [];
  let at = CONDITION.lastIndex = place.length;
  for (let found = CONDITION.exec(text); found !== null; found = CONDITION.exec(text)) {
    const [, name, quoted, bare] = found;
    // Users overlook a blank at the end of a value, and with it a deny rule would match nothing. Quotation marks allow one.
    if (bare !== bare?.trim()) return { place, conditions, rest: found[0].slice(1) };
    conditions.push([name!, quoted?.replaceAll('""', '"') ?? bare!]);
    at = CONDITION.lastIndex;
  }
  return { place, conditions, rest: text.slice(at).replace(/^,/, "") || (at < text.length ? "," : "") };
}

/**
 * Parses `allow DESTINATION...` or `deny DESTINATION...`; see {@linkcode parseRule}.
 *
 * @throws {TypeError} The text is neither.
 *
 * @example
 * ```ts
 * import { parseRuleText } from "@gssocks/gssocks/socks";
 *
 * if (parseRuleText("deny 10.0.0.0/8").action !== "deny") throw new Error("another action");
 * ```
 */
export function parseRuleText(text: string): Rule {
  return parseRule(...splitRule(text, "rule"));
}

/**
 * Splits the text of a rule into its action and the rest.
 *
 * @param what Kind of the rule, for the message.
 * @throws {TypeError} The text does not start with an action.
 */
export function splitRule(text: string, what: string): [RuleAction, string] {
  const parts = /^(allow|deny)\s+([^]+)$/.exec(text.trim());
  if (parts === null) {
    throw new TypeError(`Cannot read ${what} ${JSON.stringify(text)}: "allow ..." or "deny ..." wanted`);
  }
  return [parts[1] as RuleAction, parts[2]!];
}
