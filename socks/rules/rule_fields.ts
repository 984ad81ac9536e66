/**
 * Rules from plain values, as in a configuration file.
 *
 * @module
 */
import { COMMAND_NAMES, type Destination, type PortRange, type Rule, type RuleAction } from "./rule.ts";
import { parseDuration } from "../../base/duration.ts";
import { parseBlock, parseCidr } from "../wire/cidr.ts";
import type { MethodName } from "../identity.ts";
import { PROTECTION_LEVELS } from "../protection.ts";
import { parseIp } from "../wire/ip.ts";
import { PORT_NAMES, portOfName } from "./port_names.ts";
import { normalSuffix } from "./destination.ts";
import { checkAccounts } from "./accounts.ts";
import { parseRealmPattern, parseUserPattern } from "./user_pattern.ts";

/** A rule as plain values, as in a configuration file; see {@linkcode Rule} for their meanings. */
export interface RuleFields {
  /** Verdict of the rule. */
  readonly action: RuleAction;
  /** `10.0.0.0/8`, `fd00::/8`, `host.example.com`, `.example.com`, `localhost` or `*`. @default {["*"]} */
  readonly destinations?: readonly string[] | undefined;
  /** `443`, `8000-8999`, or a name such as `https`. */
  readonly ports?: readonly string[] | undefined;
  /** `connect`, `bind`, `udp`, `resolve`. */
  readonly commands?: readonly string[] | undefined;
  /** Addresses or blocks that clients come from. */
  readonly sources?: readonly string[] | undefined;
  /** `none`, `password`, `gssapi`. */
  readonly methods?: readonly string[] | undefined;
  /** Users or principals. A `*` at one end of the name or realm is a wildcard; see {@linkcode Rule.users}. */
  readonly users?: readonly string[] | undefined;
  /** Realms of principals. A `*` at the start or the end is a wildcard. */
  readonly realms?: readonly string[] | undefined;
  /** Accounts of a directory, `name@dns.domain`; see {@linkcode Rule.accounts}. */
  readonly accounts?: readonly string[] | undefined;
  /** SIDs of accounts or of groups. */
  readonly sids?: readonly string[] | undefined;
  /** SIDs or well-known names of groups; see {@linkcode Rule.groups}. */
  readonly groups?: readonly string[] | undefined;
  /** Encryption types, such as `aes256-cts-hmac-sha384-192`. */
  readonly enctypes?: readonly string[] | undefined;
  /** `none`, `integrity`, `selective`, `confidentiality`. */
  readonly protections?: readonly string[] | undefined;
  /** Longest time since the user got the initial ticket: `90s`, `30m`, `8h`, `1d`. */
  readonly maxTicketAge?: string | undefined;
  /** Name of the proxy that forwards allowed requests. */
  readonly upstream?: string | undefined;
}

/**
 * Creates a rule from plain values.
 *
 * @throws {TypeError} A value is invalid, or two conditions can never hold together.
 *
 * @example
 * ```ts
 * import { ruleFromFields } from "@gssocks/gssocks/socks";
 *
 * const rule = ruleFromFields({ action: "allow", destinations: [".example.com"], ports: ["443"] });
 * if (rule.action !== "allow") throw new Error("another action");
 * ```
 */
export function ruleFromFields(fields: RuleFields): Rule {
  const { action, destinations = ["*"], maxTicketAge, upstream } = fields;
  const rule: Rule = {
    action,
    text: textOf(fields),
    destinations: every(destinations, "destination", parseDestination) ?? [],
    ports: every(fields.ports, "port", parsePorts),
    commands: every(fields.commands, "command", (text) => oneOf(text, COMMAND_NAMES)),
    sources: every(fields.sources, "source", parseBlock),
    methods: every(fields.methods, "method", (text) => oneOf<MethodName>(text, ["none", "password", "gssapi"])),
    users: every(fields.users, "user", checkedBy(parseUserPattern)),
    realms: every(fields.realms, "realm", checkedBy(parseRealmPattern)),
    accounts: every(fields.accounts, "account", checkedBy((text) => checkAccounts({ action, accounts: [text] }))),
    sids: every(fields.sids, "SID", checkedBy((text) => checkAccounts({ action, sids: [text] }))),
    groups: every(fields.groups, "group", checkedBy((text) => checkAccounts({ action, groups: [text] }))),
    enctypes: every(fields.enctypes, "enctype", (text) => text === "" ? undefined : text),
    protections: every(fields.protections, "protection", (text) => oneOf(text, PROTECTION_LEVELS)),
    maxTicketAge: maxTicketAge === undefined ? undefined : parseAge(maxTicketAge),
    upstream,
  };
  checkConditions(rule);
  return Object.freeze(rule);
}

/** Refuses conditions that exclude each other, such as a realm for clients without a ticket. */
function checkConditions(rule: Rule): void {
  const { action, methods, users, realms, enctypes, maxTicketAge, upstream, accounts, sids, groups } = rule;
  const ofTickets = Object.entries({
    realm: realms,
    enctype: enctypes,
    "ticket age": maxTicketAge,
    account: accounts,
    SID: sids,
    group: groups,
  });
  for (const [what, value] of ofTickets) {
    if (value !== undefined && methods !== undefined && !methods.includes("gssapi")) {
      throw new TypeError(`the ${what} needs a Kerberos ticket, and clients of method ${methods} have none`);
    }
  }
  if (users !== undefined && methods?.every((method) => method === "none")) {
    throw new TypeError("the rule has a user, but clients of method none have no user");
  }
  if (action === "deny" && upstream !== undefined) throw new TypeError("a rule that denies cannot have an upstream");
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

function oneOf<T extends string>(text: string, names: readonly T[]): T | undefined {
  return names.find((name) => name === text);
}

/** Checks a text with a parser and keeps the text. */
function checkedBy(read: (text: string) => unknown): (text: string) => string {
  return (text) => {
    read(text);
    return text;
  };
}

function parsePorts(text: string): PortRange | undefined {
  if (/^[A-Za-z]/.test(text)) {
    const port = portOfName(text);
    if (port !== undefined) return [port, port];
    throw new TypeError(`${JSON.stringify(text)} is no name of a port; a number, a range or ${PORT_NAMES.join(", ")}`);
  }
  const parts = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(parts?.[1]), Number(parts?.[2] ?? parts?.[1])];
  return first <= last && last <= 65_535 ? [first, last] : undefined;
}

/** Milliseconds of `90s`, `30m`, `8h` or `1d`. */
function parseAge(text: string): number {
  const age = parseDuration(text);
  if (age === undefined) throw new TypeError(`${JSON.stringify(text)} is no time; 90s, 30m, 8h or 1d are`);
  return age;
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
  if (parseIp(host) !== undefined) {
    throw new TypeError(`${JSON.stringify(text)} is an unusual spelling of the address ${host}`);
  }
  return { type: "domain", suffix, exact: !suffix.startsWith(".") };
}

/** Text of the rule on one line, for logs. */
function textOf({ action: _, destinations = ["*"], ...fields }: RuleFields): string {
  const shown = (value: unknown) => /[,+"]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value;
  const conditions = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${[value].flat().map(shown).join("+")}`]
  );
  return [destinations.join("+"), ...conditions].join(",");
}
