/**
 * Rules out of plain values, as in a configuration file.
 *
 * @module
 */
import { parseBlock, parseCidr } from "../wire/cidr.ts";
import type { MethodName } from "../identity.ts";
import { PROTECTION_LEVELS, type ProtectionLevel } from "../protection.ts";
import { parseIp } from "../wire/ip.ts";
import { normalSuffix } from "./destination.ts";
import type { CommandName, Destination, PortRange, Rule, RuleAction } from "./rule.ts";
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
