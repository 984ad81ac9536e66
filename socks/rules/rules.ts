/**
 * Who may go where: ordered rules, the first that fits decides. They are asked twice: about the name before it is looked
 * up, and about each address before it is dialled, so that a name cannot stand for an address that is denied.
 *
 * Addresses that are not public (loopback, private, link-local, metadata services, ...) are denied unless a rule names
 * the address itself; a rule that allows a name, or everything, does not reach them.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import type { Identity } from "../auth/method.ts";
import { formatIp, parseIp } from "../wire/ip.ts";
import { canonicalAddress, type Cidr, embeddedIpv4, inCidr, parseCidr, specialKind } from "./special_ranges.ts";

/** What a rule says of those that it fits. */
export type RuleAction = "allow" | "deny";

/** One rule. */
export interface Rule {
  /** What it says. */
  readonly action: RuleAction;
  /** The rule as it was written. */
  readonly text: string;
  /** Destinations that it fits. */
  readonly destination: Destination;
  /** First and last port that it fits. */
  readonly ports: readonly [number, number];
  /** Users or principals that it fits, where it names any: whole, or with a `*` at one end. */
  readonly user?: string | undefined;
}

/** Destinations that a rule fits. */
export type Destination =
  | { readonly type: "any" }
  | { readonly type: "address"; readonly blocks: readonly Cidr[] }
  | { readonly type: "domain"; readonly suffix: string; readonly exact: boolean };

/** A decision with its reason. */
export interface Verdict {
  /** The decision. */
  readonly allowed: boolean;
  /** What decided: a rule's text, or what the address is. */
  readonly reason: string;
}

/** What is asked about. */
export interface RuleQuery {
  /** Host as the client named it. */
  readonly hostname: string;
  /** Port. */
  readonly port: number;
  /** Who asks. */
  readonly identity: Identity;
}

/**
 * Reads a rule: `DESTINATION[:PORTS][,user=WHO]`, where DESTINATION is an address, a block (`10.0.0.0/8`,
 * `[fd00::]/8`), a host name, a domain with a dot in front (`.example.com`), `localhost` (which stands for the loopback
 * addresses), or `*`; PORTS is a port or a range (`8000-8999`); WHO is a user or principal, with a `*` in front or at
 * the end for many (`*@EXAMPLE.COM`).
 *
 * @throws {TypeError} When the text is none.
 *
 * @example
 * ```ts
 * import { parseRule } from "@gssocks/gssocks/socks";
 *
 * const rule = parseRule("allow", "10.1.0.0/16:443,user=*@EXAMPLE.COM");
 * if (rule.ports[0] !== 443) throw new Error("port not read");
 * ```
 */
export function parseRule(action: RuleAction, text: string): Rule {
  const fail = (problem: string) => new TypeError(`Cannot read rule ${JSON.stringify(text)}: ${problem}`);
  const [place = "", ...conditions] = text.split(",");
  let user: string | undefined;
  for (const condition of conditions) {
    if (!condition.startsWith("user=") || user !== undefined) throw fail(`"${condition}" is not a condition`);
    user = condition.slice("user=".length);
    if (!/^\*?[^*]+\*?$|^\*$/.test(user)) throw fail("a user may have a star at one end only");
  }
  const parts = /^(\[[^\]]+\](?:\/\d+)?|[^:]*(?::[^:]*:.*)?)(?::(\d{1,5})(?:-(\d{1,5}))?)?$/.exec(place);
  if (parts === null || parts[1] === "") throw fail("DESTINATION[:PORTS] wanted");
  const first = Number(parts[2] ?? 0);
  const last = Number(parts[3] ?? parts[2] ?? 65_535);
  if (first > last || last > 65_535) throw fail("the ports are not a range");
  let destination: Destination | undefined;
  try {
    destination = parseDestination(parts[1]!);
  } catch (error) {
    throw fail((error as Error).message);
  }
  if (destination === undefined) throw fail("the destination is neither an address nor a name");
  return Object.freeze({ action, text, destination, ports: [first, last] as const, user });
}

function parseDestination(text: string): Destination | undefined {
  if (text === "*") return { type: "any" };
  if (text.toLowerCase() === "localhost") {
    return { type: "address", blocks: [parseCidr("127.0.0.0/8")!, parseCidr("::1")!] };
  }
  const block = parseCidr(text.replace(/^\[([^\]]+)\]/, "$1"));
  if (block !== undefined) return { type: "address", blocks: [block] };
  const name = text.toLowerCase().replace(/\.$/, "");
  if (!/^\.?[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)*$/u.test(name)) return undefined;
  return { type: "domain", suffix: name, exact: !name.startsWith(".") };
}

/** Ordered rules. */
export class RuleSet {
  readonly #rules: readonly Rule[];

  /**
   * Makes one.
   *
   * @param rules The rules, the first counting most.
   */
  constructor(rules: readonly Rule[] = []) {
    this.#rules = Object.freeze([...rules]);
  }

  /** Before the name is looked up: denied where no address could change that. */
  judgeName(query: RuleQuery): Verdict {
    for (const rule of this.#rules) {
      if (!fitsPortAndUser(rule, query)) continue;
      const { destination } = rule;
      // The address is not known yet, and this rule may fit it.
      if (destination.type === "address") return { allowed: true, reason: "name is still to be looked up" };
      if (destination.type === "any" || fitsDomain(destination, query.hostname)) {
        return { allowed: rule.action === "allow", reason: `rule "${rule.action} ${rule.text}"` };
      }
    }
    return { allowed: true, reason: "name is still to be looked up" };
  }

  /** About an address that is to be dialled. */
  judgeAddress(query: RuleQuery, address: string): Verdict {
    const octets = parseIp(address);
    if (octets === undefined) return { allowed: false, reason: `${JSON.stringify(address)} is not an address` };
    const special = specialKind(octets);
    for (const rule of this.#rules) {
      if (!fitsPortAndUser(rule, query) || !fitsDestination(rule, query.hostname, octets)) continue;
      // Only a rule that names the address opens what is not public.
      const reaches = rule.action === "deny" || special === undefined || rule.destination.type === "address";
      if (reaches) return { allowed: rule.action === "allow", reason: `rule "${rule.action} ${rule.text}"` };
    }
    return special === undefined
      ? { allowed: true, reason: "public address" }
      : { allowed: false, reason: `${special} address, which no rule allows` };
  }
}

function fitsPortAndUser(rule: Rule, { port, identity }: RuleQuery): boolean {
  const [first, last] = rule.ports;
  return port >= first && port <= last && (rule.user === undefined || fitsPattern(rule.user, identity.name));
}

function fitsPattern(pattern: string, name: string): boolean {
  if (pattern === "*") return name !== "";
  if (pattern.startsWith("*")) {
    const end = pattern.slice(1);
    // An @ behind a backslash belongs to a name, and begins no realm.
    return name.endsWith(end) && !name.slice(0, name.length - end.length).endsWith("\\");
  }
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function fitsDomain(destination: Destination & { type: "domain" }, hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  return destination.exact ? name === destination.suffix : name.endsWith(destination.suffix);
}

/**
 * An address is denied by every address that it carries, in whatever disguise, and allowed as what it is or as the IPv4
 * address that it is mapped from.
 */
function fitsDestination({ action, destination }: Rule, hostname: string, address: Bytes): boolean {
  if (destination.type === "any") return true;
  if (destination.type === "domain") return fitsDomain(destination, hostname);
  const carried = action === "deny" ? embeddedIpv4(address) : [parseIp(canonicalAddress(formatIp(address)))!];
  return destination.blocks.some((block) => inCidr(address, block) || carried.some((inner) => inCidr(inner, block)));
}
