/**
 * From what a client named to the addresses that may be used for it.
 *
 * @module
 */
import { abortable } from "../../../base/deadline.ts";
import { printable } from "../../../base/printable.ts";
import { SocksReplyError } from "../../errors.ts";
import type { TargetRequest } from "../commands/command.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import type { Verdict } from "../../rules/verdict.ts";
import { ruleLine } from "../../rules/rule.ts";
import { type Resolved, resolvedOf, type Resolver } from "../../names/resolver.ts";
import { formatEndpoint } from "../../wire/address.ts";
import { isLocalhost, LOOPBACK_ADDRESSES, normalEndpoint } from "../../wire/host_name.ts";
import { canonicalAddress, parseIp } from "../../wire/ip.ts";

/** An address that passed. */
export interface JudgedAddress {
  /** The address, in its canonical form. */
  readonly address: string;
  /** What allowed it. */
  readonly verdict: Verdict;
}

/** Whether it is known what a host stands for, whatever a resolver says: an address for itself, and `localhost` for loopback. */
export function isKnownHost(hostname: string): boolean {
  return parseIp(hostname) !== undefined || isLocalhost(hostname);
}

/** What addresses are judged by, and where they come from. */
export interface JudgeOptions {
  /** Who may go where. */
  readonly rules: RuleSet;
  /** Looks names up. */
  readonly resolve: Resolver;
}

/**
 * Judges the name, looks it up once, and judges each address. What is used then must be the very addresses given, so that
 * a second look-up cannot bring another answer. A name that stands for loopback is nothing else, wherever it is looked up.
 *
 * @throws {SocksReplyError} `NOT_ALLOWED` when none passed, `HOST_UNREACHABLE` when there is none.
 * @throws {HostNameError} When no host can be called that.
 */
export async function judgedAddresses(
  asked: TargetRequest,
  options: JudgeOptions,
): Promise<readonly JudgedAddress[]> {
  const request = normalEndpoint(asked);
  judgeName(request, options.rules);
  return await addressesOfJudged(request, options);
}

/**
 * Judges the name.
 *
 * @throws {SocksReplyError} `NOT_ALLOWED`
 */
export function judgeName(request: TargetRequest, rules: RuleSet): Verdict {
  const verdict = rules.judgeName(request);
  if (!verdict.allowed) throw notAllowed(request, verdict.reason, verdict);
  return verdict;
}

/** What {@linkcode judgedAddresses} does once the name, in its one form, has been judged. */
export async function addressesOfJudged(
  request: TargetRequest,
  { rules, resolve }: JudgeOptions,
): Promise<readonly JudgedAddress[]> {
  const { hostname, signal } = request;
  if (isLocalhost(hostname)) passed(request, rules, { addresses: LOOPBACK_ADDRESSES, names: [] });
  const found = parseIp(hostname) === undefined
    ? await lookedUp(resolve, request)
    : { addresses: [hostname], names: [] };
  const addresses = someOf([...new Set(found.addresses.map(canonicalAddress))]);
  const { pending } = rules.nat64;
  // Whether it is a translator's, and which IPv4 address it stands for, may be known in a moment.
  if (pending !== undefined && addresses.some((address) => address.includes(":"))) await abortable(pending, signal);
  const allowed = passed(request, rules, { addresses, names: found.names });
  const elsewhere = allowed.find(({ verdict }) => verdict.rule?.upstream !== undefined);
  if (request.command !== "connect" && elsewhere !== undefined) {
    throw notAllowed(request, "it would go through an upstream, which is for connections", elsewhere.verdict);
  }
  return allowed;
}

/** Whether or not the resolver listens to the signal. */
async function lookedUp(resolve: Resolver, { hostname, signal, identity, source }: TargetRequest): Promise<Resolved> {
  signal.throwIfAborted();
  return resolvedOf(await abortable(resolve(hostname, { signal, user: identity.name, source }), signal));
}

/**
 * Addresses of one name that are used: more would make many connections of one request, and a scanner of this server for whoever has
 * a name of his own.
 */
const MOST_ADDRESSES = 16;

/** The first ones, in their order, of which each family has half where it has as many. */
function someOf(addresses: readonly string[]): readonly string[] {
  if (addresses.length <= MOST_ADDRESSES) return addresses;
  const ipv6 = addresses.filter((address) => address.includes(":")).length;
  const half = MOST_ADDRESSES / 2;
  const most6 = Math.min(ipv6, Math.max(half, MOST_ADDRESSES - (addresses.length - ipv6)));
  const left = { ipv6: most6, ipv4: MOST_ADDRESSES - most6 };
  return addresses.filter((address) => left[address.includes(":") ? "ipv6" : "ipv4"]-- > 0);
}

/** Those of the addresses that rules allow; throws when that is none. */
function passed(request: TargetRequest, rules: RuleSet, { addresses, names }: Resolved): readonly JudgedAddress[] {
  if (addresses.length === 0) throw new SocksReplyError("HOST_UNREACHABLE", `${request.hostname} has no address`);
  const judged = addresses.map((address) => ({ address, verdict: verdictOn(request, rules, { address, names }) }));
  const allowed = judged.filter(({ verdict }) => verdict.allowed);
  if (allowed.length > 0) return allowed;
  const reasons = judged.map(({ address, verdict }) => `${address}: ${verdict.reason}`).join("; ");
  throw notAllowed(request, reasons, judged[0]!.verdict);
}

/** About an address, and every name on the way to it. */
function verdictOn(
  request: TargetRequest,
  rules: RuleSet,
  { address, names }: { readonly address: string; readonly names: readonly string[] },
): Verdict {
  const verdict = rules.judgeAddress(request, address);
  if (!verdict.allowed) return verdict;
  for (const name of names) {
    const there = rules.judgeOnTheWay({ ...request, hostname: name }, address);
    if (!there.allowed) {
      return { ...there, reason: `${request.hostname} stands for ${printable(name)}: ${there.reason}` };
    }
  }
  return verdict;
}

/**
 * Judges a request whose places come later, if ever: BIND for anybody, and UDP ASSOCIATE. Who may do that with nobody gets no
 * listener and no socket for it.
 *
 * @throws {SocksReplyError} `NOT_ALLOWED`
 */
export function judgeCommand(request: TargetRequest, rules: RuleSet): void {
  const verdict = rules.judgeCommand(request);
  if (!verdict.allowed) throw notAllowed(request, verdict.reason, verdict);
}

/** The refusal of a request, with the rule that decided. */
export function notAllowed(request: TargetRequest, reason: string, { rule }: Verdict): SocksReplyError {
  const what = request.command === "connect" ? "" : `${request.command} `;
  return new SocksReplyError("NOT_ALLOWED", `${what}${formatEndpoint(request)} is not allowed: ${reason}`, {
    ...(rule === undefined ? {} : { rule: ruleLine(rule) }),
  });
}
