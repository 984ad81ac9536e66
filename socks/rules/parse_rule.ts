/**
 * Rules as text, and as plain values out of a configuration file.
 *
 * @module
 */
import { type RuleFields, ruleFromFields } from "./rule_fields.ts";
import type { Rule, RuleAction } from "./rule.ts";

/** Conditions of a rule's text, and the fields that they are. */
const CONDITIONS: Readonly<Record<string, Exclude<keyof RuleFields, "action" | "maxTicketAge" | "upstream">>> = {
  port: "ports",
  command: "commands",
  from: "sources",
  method: "methods",
  user: "users",
  realm: "realms",
  enctype: "enctypes",
  protection: "protections",
};

/**
 * Reads a rule: `DESTINATION[:PORTS][,CONDITION=VALUE]...`, where DESTINATION is an address, a block (`10.0.0.0/8`,
 * `[fd00::]/8`), a host name, a domain with a dot in front (`.example.com`), `localhost` (which stands for the loopback
 * addresses), or `*`; PORTS is a port or a range (`8000-8999`). Conditions are `user` (a user or principal, with a `*`
 * at one end of its name or realm for many: `*@EXAMPLE.COM`, `host/*@EXAMPLE.COM`, `alice@*`), `realm`, `from` (an address or block), `command` (connect, bind,
 * udp, resolve), `method` (gssapi, password, none), `protection`, `enctype`, `port`, `ticket-age` (`8h`) and `upstream`. One that
 * is given twice fits either value. A value with a comma, or with a quotation mark in front, stands in quotation marks,
 * where one that belongs to it is doubled: `user="Doe, John@EXAMPLE.COM"`. In users and realms a backslash takes the
 * meaning from the character behind it (RFC 1964 section 2.1.1), a `*` too.
 *
 * @throws {TypeError} When the text is none, or the rule could fit nobody.
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
    throw fail(`"${rest}" is not a condition${blank}`);
  }
  const parts = /^(\[[^\]]+\](?:\/\d+)?|[^:]*(?::[^:]*:.*)?)(?::(\d{1,5}(?:-\d{1,5})?))?$/.exec(place);
  if (parts === null || parts[1] === "") throw fail("DESTINATION[:PORTS] wanted");
  const lists: Partial<Record<(typeof CONDITIONS)[string], string[]>> = {};
  const single: { maxTicketAge?: string; upstream?: string } = {};
  for (const [name, value] of conditions) {
    const field = Object.hasOwn(CONDITIONS, name) ? CONDITIONS[name] : undefined;
    if (field !== undefined) (lists[field] ??= []).push(value);
    else if (name === "ticket-age" && single.maxTicketAge === undefined) single.maxTicketAge = value;
    else if (name === "upstream" && single.upstream === undefined) single.upstream = value;
    else throw fail(`"${name}=${value}" is not a condition`);
  }
  if (parts[2] !== undefined) (lists.ports ??= []).push(parts[2]);
  try {
    return { ...ruleFromFields({ action, destinations: [parts[1]!], ...lists, ...single }), text };
  } catch (error) {
    throw fail((error as Error).message);
  }
}

const CONDITION = /,([^=,"]+)=(?:"((?:[^"]|"")*)"|((?!")[^,]*))(?=,|$)/y;

/** Takes a rule apart at its commas, but for those in quotation marks; `rest` is what is no condition. */
function splitConditions(
  text: string,
): { place: string; conditions: (readonly [name: string, value: string])[]; rest: string } {
  const place = text.split(",", 1)[0]!;
  const conditions: (readonly [string, string])[] = [];
  let at = CONDITION.lastIndex = place.length;
  for (let found = CONDITION.exec(text); found !== null; found = CONDITION.exec(text)) {
    const [, name, quoted, bare] = found;
    // A blank at an end is seen by nobody: a rule that denies would fit nobody for it, and who means one can say so.
    if (bare !== bare?.trim()) return { place, conditions, rest: found[0].slice(1) };
    conditions.push([name!, quoted?.replaceAll('""', '"') ?? bare!]);
    at = CONDITION.lastIndex;
  }
  return { place, conditions, rest: text.slice(at).replace(/^,/, "") || (at < text.length ? "," : "") };
}

/**
 * Reads `allow DESTINATION...` or `deny DESTINATION...`; see {@linkcode parseRule}.
 *
 * @throws {TypeError} When the text is neither.
 */
export function parseRuleText(text: string): Rule {
  return parseRule(...splitRule(text, "rule"));
}

/** Takes the action off a rule. Throws a `TypeError` where there is none; `what` is the rule's kind, for its text. */
export function splitRule(text: string, what: string): [RuleAction, string] {
  const parts = /^(allow|deny)\s+([^]+)$/.exec(text.trim());
  if (parts === null) {
    throw new TypeError(`Cannot read ${what} ${JSON.stringify(text)}: "allow ..." or "deny ..." wanted`);
  }
  return [parts[1] as RuleAction, parts[2]!];
}
