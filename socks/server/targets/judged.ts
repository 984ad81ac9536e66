/**
 * Judges requests by the rules: from the host in a request to the addresses that are allowed for it.
 *
 * @module
 */
import { abortable } from "../../../base/deadline.ts";
import { printable } from "../../../base/printable.ts";
import { SocksReplyError } from "../../errors.ts";
import { type Resolved, resolvedOf, type Resolver } from "../../names/resolver.ts";
import { ruleLine } from "../../rules/rule.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import { decidingRule, type Verdict } from "../../rules/verdict.ts";
import { formatEndpoint } from "../../wire/address.ts";
import { isLocalhost, LOOPBACK_ADDRESSES, normalEndpoint } from "../../wire/host_name.ts";
import { canonicalAddress, parseIp } from "../../wire/ip.ts";
import type { TargetRequest } from "./target.ts";

/** An address that is allowed. */
export interface JudgedAddress {
  /** The address, in its canonical form. */
  readonly address: string;
  /** The verdict that allows it. */
  readonly verdict: Verdict;
}

/** Whether the addresses of a host are known without a look-up: a literal address, or `localhost`. */
export function isKnownHost(hostname: string): boolean {
  return parseIp(hostname) !== undefined || isLocalhost(hostname);
}

/** Rules and resolver. */
export interface JudgeOptions {
  /** Rules for requests. */
  readonly rules: RuleSet;
  /** Looks names up. */
  readonly resolve: Resolver;
}

/**
 * Judges the name, looks it up once, and judges each address. The caller must use the returned addresses, not look up again: a second
 * look-up may give other addresses. `localhost` always means loopback, whatever a resolver says.
 *
 * @throws {SocksReplyError} `NOT_ALLOWED` when no address is allowed, `HOST_UNREACHABLE` when there is no address.
 * @throws {HostNameError} When the host is not a host name.
 */
export async function judgedAddresses(
  received: TargetRequest,
  options: JudgeOptions,
): Promise<readonly JudgedAddress[]> {
  const request = normalEndpoint(received);
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

/** The second half of {@linkcode judgedAddresses}, for a name that was normalized and judged. */
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
  // NAT64 prefixes, which tell the IPv4 address behind an IPv6 address, may be found in a moment.
  if (pending !== undefined && addresses.some((address) => address.includes(":"))) await abortable(pending, signal);
  const allowed = passed(request, rules, { addresses, names: found.names });
  const upstreamed = allowed.find(({ verdict }) => verdict.rule?.upstream !== undefined);
  if (request.command !== "connect" && upstreamed !== undefined) {
    throw notAllowed(request, "it would go through an upstream, which serves connections only", upstreamed.verdict);
  }
  return allowed;
}

/** Looks a name up. The signal ends it, even if the resolver ignores the signal. */
async function lookedUp(resolve: Resolver, { hostname, signal, identity, source }: TargetRequest): Promise<Resolved> {
  signal.throwIfAborted();
  return resolvedOf(await abortable(resolve(hostname, { signal, user: identity.name, source }), signal));
}

/**
 * Most addresses of one name: with more, one request would make many connections, and the owner of a name could use this server to scan
 * other hosts.
 */
const MOST_ADDRESSES = 16;

/** Returns the first addresses in their order; each family gets half of the places, if it has as many. */
function someOf(addresses: readonly string[]): readonly string[] {
  if (addresses.length <= MOST_ADDRESSES) return addresses;
  const ipv6 = addresses.filter((address) => address.includes(":")).length;
  const half = MOST_ADDRESSES / 2;
  const most6 = Math.min(ipv6, Math.max(half, MOST_ADDRESSES - (addresses.length - ipv6)));
  const left = { ipv6: most6, ipv4: MOST_ADDRESSES - most6 };
  return addresses.filter((address) => left[address.includes(":") ? "ipv6" : "ipv4"]-- > 0);
}

/** Returns the addresses that the rules allow; throws when there are none. */
function passed(request: TargetRequest, rules: RuleSet, { addresses, names }: Resolved): readonly JudgedAddress[] {
  if (addresses.length === 0) throw new SocksReplyError("HOST_UNREACHABLE", `${request.hostname} has no address`);
  const judged = addresses.map((address) => ({ address, verdict: verdictOn(request, rules, { address, names }) }));
  const allowed = judged.filter(({ verdict }) => verdict.allowed);
  if (allowed.length > 0) return allowed;
  const reasons = judged.map(({ address, verdict }) => `${address}: ${verdict.reason}`).join("; ");
  throw notAllowed(request, reasons, judged[0]!.verdict);
}

/** Judges an address, and every name (CNAME) on the way to it. */
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
      return { ...there, reason: `${request.hostname} is an alias of ${printable(name)}: ${there.reason}` };
    }
  }
  return verdict;
}

/**
 * Judges a request whose peers come later: BIND for any peer, and UDP ASSOCIATE. A client to which the rules allow no peer at all gets no
 * listener and no socket.
 *
 * @throws {SocksReplyError} `NOT_ALLOWED`
 */
export function judgeCommand(request: TargetRequest, rules: RuleSet): void {
  const verdict = rules.judgeCommand(request);
  if (!verdict.allowed) throw notAllowed(request, verdict.reason, verdict);
  decided(request, verdict);
}

/** Tells the session which rule allowed its request. */
export function decided({ onRule }: Pick<TargetRequest, "onRule">, verdict: Verdict | undefined): void {
  const rule = verdict === undefined ? undefined : decidingRule(verdict);
  if (rule !== undefined) onRule?.(rule);
}

/** Returns the error for a denied request, with the rule that decided. */
export function notAllowed(request: TargetRequest, reason: string, { rule, number }: Verdict): SocksReplyError {
  const what = request.command === "connect" ? "" : `${request.command} `;
  return new SocksReplyError("NOT_ALLOWED", `${what}${formatEndpoint(request)} is not allowed: ${reason}`, {
    ...(rule === undefined ? {} : { rule: ruleLine(rule), ruleNumber: number }),
  });
}
