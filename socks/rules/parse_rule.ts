/**
 * Rules as text, and as plain values out of a configuration file.
 *
 * @module
 */
import { parseBlock, parseCidr } from "../wire/cidr.ts";
import type { MethodName } from "../identity.ts";
import { PROTECTION_LEVELS, type ProtectionLevel } from "../protection.ts";
import { parseIp } from "../wire/ip.ts";
import {
  type CommandName,
  type Destination,
  normalSuffix,
  type PortRange,
  type Rule,
  type RuleAction,
} from "./rules.ts";
import { parseRealmPattern, parseUserPattern } from "./user_pattern.ts";

/** A rule in plain values, as in a configuration file; see {@linkcode Rule} for what each means. */
export interface RuleFields {
  /** What it says. */
  readonly action: RuleAction;
  /** `10.0.0.0/8`, `fd00::/8`, `host.example.com`, `.example.com`, `localhost` or `*`. @default {["*"]} */
  readonly destinations?: readonly string[] | undefined;
  /** `443` or `8000-8999`. */
  readonly ports?: readonly string[] | undefined;
  /** `connect`, `bind`, `udp`, `resolve`. */
  readonly commands?: readonly string[] | undefined;
  /** Addresses or blocks that clients come from. */
  readonly sources?: readonly string[] | undefined;
  /** `none`, `password`, `gssapi`. */
  readonly methods?: readonly string[] | undefined;
  /** Users or principals, with a `*` at one end of the name or realm for many; see {@linkcode Rule.users}. */
  readonly users?: readonly string[] | undefined;
  /** Realms of principals, with a `*` in front or at the end for many. */
  readonly realms?: readonly string[] | undefined;
  /** Encryption types, such as `aes256-cts-hmac-sha384-192`. */
  readonly enctypes?: readonly string[] | undefined;
  /** `none`, `integrity`, `selective`, `confidentiality`. */
  readonly protections?: readonly string[] | undefined;
  /** Longest time since the user got the initial ticket: `90s`, `30m`, `8h`, `1d`. */
  readonly maxTicketAge?: string | undefined;
  /** Name of the proxy that what is allowed goes through. */
  readonly upstream?: string | undefined;
}

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

/**
 * A rule out of plain values.
 *
 * @throws {TypeError} When a value cannot be read, or the rule asks for what can never be known together.
 */
export function ruleFromFields(fields: RuleFields): Rule {
  const { action, destinations = ["*"], maxTicketAge, upstream } = fields;
  const rule: Rule = {
    action,
    text: textOf(fields),
    destinations: every(destinations, "destination", parseDestination) ?? [],
    ports: every(fields.ports, "port", parsePorts),
    commands: every(fields.commands, "command", (text) => oneOf(text, ["connect", "bind", "udp", "resolve"])) as
      | CommandName[]
      | undefined,
    sources: every(fields.sources, "source", parseBlock),
    methods: every(fields.methods, "method", (text) => oneOf(text, ["none", "password", "gssapi"])) as
      | MethodName[]
      | undefined,
    users: every(fields.users, "user", readableBy(parseUserPattern)),
    realms: every(fields.realms, "realm", readableBy(parseRealmPattern)),
    enctypes: every(fields.enctypes, "enctype", (text) => text === "" ? undefined : text),
    protections: every(fields.protections, "protection", (text) => oneOf(text, PROTECTION_LEVELS)) as
      | ProtectionLevel[]
      | undefined,
    maxTicketAge: maxTicketAge === undefined ? undefined : parseAge(maxTicketAge),
    upstream,
  };
  checkTogether(rule);
  return Object.freeze(rule);
}

/** A rule that needs a ticket, for clients that show none, is a slip and never what somebody wants. */
function checkTogether({ action, methods, users, realms, enctypes, maxTicketAge, upstream }: Rule): void {
  const ofTickets = Object.entries({ realm: realms, enctype: enctypes, "ticket age": maxTicketAge });
  for (const [what, value] of ofTickets) {
    if (value !== undefined && methods !== undefined && !methods.includes("gssapi")) {
      throw new TypeError(`the ${what} is known of clients with tickets only, and method ${methods} has none`);
    }
  }
  if (users !== undefined && methods?.every((method) => method === "none")) {
    throw new TypeError("a user is asked for, and method none names nobody");
  }
  if (action === "deny" && upstream !== undefined) throw new TypeError("what is denied goes through no proxy");
}

function every<T>(
  texts: readonly string[] | undefined,
  what: string,
  read: (text: string) => T | undefined,
): readonly T[] | undefined {
  if (texts === undefined) return undefined;
  if (texts.length === 0) throw new TypeError(`no ${what} is named`);
  return Object.freeze(texts.map((text) => {
    let value: T | undefined;
    try {
      value = read(text);
    } catch (cause) {
      throw cause instanceof RangeError ? new TypeError(cause.message, { cause }) : cause;
    }
    if (value === undefined) throw new TypeError(`${JSON.stringify(text)} is no ${what}`);
    return value;
  }));
}

function oneOf(text: string, names: readonly string[]): string | undefined {
  return names.find((name) => name === text);
}

/** Text that another function can read; it is kept as it was written. */
function readableBy(read: (text: string) => unknown): (text: string) => string {
  return (text) => {
    read(text);
    return text;
  };
}

function parsePorts(text: string): PortRange | undefined {
  const parts = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(parts?.[1]), Number(parts?.[2] ?? parts?.[1])];
  return first <= last && last <= 65_535 ? [first, last] : undefined;
}

/** Milliseconds of `90s`, `30m`, `8h` or `1d`. */
function parseAge(text: string): number {
  const parts = /^(\d{1,6})([smhd])$/.exec(text);
  if (parts === null) throw new TypeError(`${JSON.stringify(text)} is no time; 90s, 30m, 8h or 1d are`);
  return Number(parts[1]) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[parts[2] as "s" | "m" | "h" | "d"];
}

function parseDestination(text: string): Destination | undefined {
  if (text === "*") return { type: "any" };
  const block = parseBlock(text);
  if (block !== undefined) return { type: "address", blocks: [block] };
  const suffix = normalSuffix(text);
  if (suffix === "localhost") {
    return { type: "address", blocks: [parseCidr("127.0.0.0/8")!, parseCidr("::1")!] };
  }
  const host = suffix.replace(/^\./, "");
  if (parseIp(host) !== undefined) throw new TypeError(`${JSON.stringify(text)} is an address written oddly: ${host}`);
  return { type: "domain", suffix, exact: !suffix.startsWith(".") };
}

/** For logs: the rule on one line. */
function textOf({ action: _, destinations = ["*"], ...fields }: RuleFields): string {
  const shown = (value: unknown) => /[,+"]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value;
  const conditions = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${[value].flat().map(shown).join("+")}`]
  );
  return [destinations.join("+"), ...conditions].join(",");
}
