/**
 * Warnings about rules that can never fit: behind another one, or with conditions that no client of this server meets.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { printable } from "../../base/printable.ts";
import type { ServeOptions } from "../../mod.ts";
import { type Destination, type PortRange, type Rule, ruleLine } from "../../socks/rules/rule.ts";
import { specialKind } from "../../socks/rules/special_ranges.ts";
import { type Cidr, inCidr } from "../../socks/wire/cidr.ts";

/** Rules that are compared with one another; each with all before it. */
const COMPARED = 1_000;

/** Returns the warnings. */
export function ruleWarnings(options: ServeOptions): string[] {
  const rules = (options.rules ?? []).filter((rule) => typeof rule !== "string");
  return rules.flatMap((rule, i) => {
    const where = `rule ${i + 1} "${printable(ruleLine(rule))}"`;
    const impossible = impossibleCondition(rule, options);
    if (impossible !== undefined) return [`Warning: ${where} never fits: ${impossible}`];
    const users = withoutRealm(rule, options);
    const before = i >= COMPARED ? -1 : rules.slice(0, i).findIndex((earlier) => covers(earlier, rule));
    return [
      ...users,
      ...before < 0 ? [] : [
        `Warning: ${where} never fits: rule ${before + 1} "${
          printable(ruleLine(rules[before]!))
        }" stands before it, and fits ` +
        `all that it would fit; put the narrower rule first`,
      ],
    ];
  });
}

/** Why no client of this server can meet the conditions of a rule. */
function impossibleCondition(rule: Rule, options: ServeOptions): string | undefined {
  const { keytab, passwords, allowUnauthenticated, commands = ["connect"], protection } = options;
  const methods = [
    ...keytab === undefined ? [] : ["gssapi"],
    ...passwords === undefined ? [] : ["password"],
    ...allowUnauthenticated ? ["none"] : [],
  ];
  const none = (asked: readonly string[] | undefined, there: readonly string[]) =>
    asked !== undefined && !asked.some((word) => there.includes(word));
  if (none(rule.methods, methods)) return `the methods accepted are ${methods.join(", ")}`;
  if (none(rule.commands, commands)) return `the commands accepted are ${commands.join(", ")}`;
  const { realms, enctypes, maxTicketAge } = rule;
  if (!methods.includes("gssapi") && (realms ?? enctypes ?? maxTicketAge) !== undefined) {
    return "it asks for a Kerberos ticket, and the method gssapi is not accepted";
  }
  if (rule.users !== undefined && none(methods, ["gssapi", "password"])) {
    return "it has a user, and nobody says who he is";
  }
  if (protection === undefined || methods.length > 1 || methods[0] !== "gssapi") return undefined;
  return Array.isArray(protection) && none(rule.protections, protection)
    ? `the levels of protection granted are ${protection.join(", ")}`
    : undefined;
}

/** Users of a rule that can only be users with a password, where there are none. */
function withoutRealm({ users = [], action }: Rule, { keytab, passwords }: ServeOptions): string[] {
  if (keytab === undefined || passwords !== undefined) return [];
  return users.filter((user) => user !== "*" && !/(?<!\\)(?:\\\\)*@/.test(user)).map((user) => {
    const shown = printable(user);
    return `Warning: ${
      action === "allow" ? "allowed" : "denied"
    } user "${shown}" has no realm, and fits no Kerberos user; write ` +
      `${shown}@REALM, or ${shown}@* for every realm`;
  });
}

/** Conditions that are compared in a way of their own. */
const COMPARED_ALONE: readonly string[] = ["action", "text", "destinations", "ports", "upstream"];

/** Whether a rule fits all that another one fits. It says no where that is not sure. */
function covers(earlier: Rule, later: Rule): boolean {
  const [one, other] = [earlier, later] as unknown as Record<string, unknown>[];
  const names = [...new Set([...Object.keys(one!), ...Object.keys(other!)])];
  // A rule that denies fits more spellings of its users and sources than one that allows.
  const wider = earlier.action === "allow" && later.action === "deny";
  const same = (name: string) =>
    one![name] === undefined || (!wider && isDeepStrictEqual(one![name], other![name])) ||
    listed(one![name], other![name], wider);
  return names.filter((name) => !COMPARED_ALONE.includes(name)).every(same) &&
    (earlier.ports === undefined ||
      (later.ports?.every((range) => earlier.ports!.some((all) => inRange(range, all))) ?? false)) &&
    later.destinations.every((place) => earlier.destinations.some((all) => coversPlace(earlier, all, place)));
}

/** Whether a list of words has all of another list. */
function listed(all: unknown, some: unknown, wider: boolean): boolean {
  if (wider || !Array.isArray(all) || !Array.isArray(some)) return false;
  return some.every((word) => typeof word === "string" && all.includes(word));
}

function inRange([first, last]: PortRange, [from, to]: PortRange): boolean {
  return first >= from && last <= to;
}

function coversPlace({ action }: Rule, all: Destination, place: Destination): boolean {
  if (all.type === "any") {
    // A rule that allows everything opens no address that is not public.
    return action === "deny" || place.type !== "address" || place.blocks.every(isPublic);
  }
  if (all.type === "address") {
    return place.type === "address" && place.blocks.every((block) => all.blocks.some((wide) => isInside(block, wide)));
  }
  if (place.type !== "domain") return false;
  if (all.exact) return place.exact && place.suffix === all.suffix;
  return place.suffix.endsWith(all.suffix);
}

function isInside(block: Cidr, wide: Cidr): boolean {
  return block.bits >= wide.bits && inCidr(block.network, wide);
}

/** Whether all of a block is public, as far as its ends tell. */
function isPublic({ network, bits }: Cidr): boolean {
  const last = network.map((byte, i) => byte | (0xff >> Math.min(8, Math.max(0, bits - 8 * i))));
  return bits >= 8 && specialKind(network) === undefined && specialKind(last) === undefined;
}
