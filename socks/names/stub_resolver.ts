/**
 * A stub resolver (RFC 1123 section 6.1.3.1). It asks the name servers of resolv.conf(5) and holds no thread while it waits. Search
 * list, order of servers, timeouts and attempts are those of resolv.conf.
 *
 * @module
 */
import { startDeadline } from "../../base/deadline.ts";
import { SocksReplyError } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { parseIp } from "../wire/ip.ts";
import { type Answer, type AnswerPath, followCnames, type Question, RecordType } from "./dns_message.ts";
import { DnsQueries, type QuerySockets } from "./dns_queries.ts";
import { candidates, type NameServers } from "./resolv_conf.ts";
import type { Resolved } from "./resolver.ts";
import { SHORT_TIMEOUT, SilentServers } from "./silent_servers.ts";

/** Options of {@linkcode lookUpAddresses} and {@linkcode lookUpNames}. */
interface StubLookUpOptions {
  /** Name servers, and how to ask them. */
  readonly conf: NameServers;
  /** Sockets for the queries. */
  readonly sockets: QuerySockets;
  /** Ends the look-up. */
  readonly signal: AbortSignal;
}

/** Why a look-up failed, the least informative reason first. Of several names the most informative reason is reported. */
const FAILURES = ["NXDOMAIN", "REFUSED", "SERVFAIL", "LOOP", "NODATA", "TIMEOUT"] as const;
type FailureKind = typeof FAILURES[number];

interface Failure {
  readonly kind: FailureKind;
  readonly server: Endpoint;
}

/** Result of one question. */
type Outcome = AnswerPath | Failure;

function isFailure<T extends object>(outcome: T | Failure): outcome is Failure {
  return "kind" in outcome;
}

/** Time in milliseconds that one address family still has after the other has answered. RFC 8305 section 3 uses 50 ms. */
const OTHER_FAMILY = 1_000;

/** What all questions of one look-up share. */
interface LookUp {
  readonly conf: NameServers;
  readonly queries: DnsQueries;
}

/** Name and record type of a question. */
type Wanted = Pick<Question, "name" | "type">;

/** Index of the server to ask first under `options rotate`. */
let nextServer = 0;

/** Shared by all look-ups: one look-up learns from what the others saw. */
const silentServers = new SilentServers();

/**
 * Looks up the addresses of a name.
 *
 * @throws {SocksReplyError} `HOST_UNREACHABLE` with the reason.
 * @throws {unknown} The signal's reason.
 */
export async function lookUpAddresses(name: string, { conf, sockets, signal }: StubLookUpOptions): Promise<Resolved> {
  using queries = new DnsQueries(sockets);
  let worst: Failure | undefined;
  for (const candidate of candidates(name, conf)) {
    const found = await askBothFamilies(candidate, { conf, queries }, signal);
    if (!isFailure(found)) {
      const names = candidate === name ? found.names : [candidate, ...found.names];
      return { addresses: found.values, names };
    }
    worst = worseOf(worst, found);
    // Servers that do not answer will not answer for the next candidate either.
    if (found.kind === "TIMEOUT") break;
  }
  throw failureError(name, worst!);
}

/**
 * Looks up the names of an address in its reverse zone (RFC 1035 section 3.5, RFC 3596 section 2.5).
 *
 * @throws {SocksReplyError} As {@linkcode lookUpAddresses}.
 */
export async function lookUpNames(
  address: string,
  { conf, sockets, signal }: StubLookUpOptions,
): Promise<readonly string[]> {
  using queries = new DnsQueries(sockets);
  const found = await askServers({ name: reverseName(address), type: RecordType.PTR }, { conf, queries }, signal);
  if (isFailure(found)) throw failureError(address, found);
  return found.values;
}

/** The name of an address in its reverse zone. */
function reverseName(address: string): string {
  const bytes = parseIp(address)!;
  const labels = bytes.length === 4
    ? [...bytes].map(String)
    : [...bytes].flatMap((byte) => [byte >> 4, byte & 15].map((n) => n.toString(16)));
  return `${labels.reverse().join(".")}.${bytes.length === 4 ? "in-addr" : "ip6"}.arpa`;
}

/** Asks for both address families at the same time. A failure in one family does not discard the answer of the other. */
async function askBothFamilies(name: string, lookUp: LookUp, signal: AbortSignal): Promise<Outcome> {
  using limit = startDeadline({ milliseconds: Infinity, signal, reason: () => new Error("The other family is there") });
  const one = async (type: number): Promise<Outcome> => {
    let outcome: Outcome;
    try {
      outcome = await askServers({ name, type }, lookUp, limit.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!limit.signal.aborted) throw error;
      return { kind: "TIMEOUT", server: lookUp.conf.servers[0]! };
    }
    if (!isFailure(outcome)) limit.limit(OTHER_FAMILY, () => new Error("The other family is there"));
    // RFC 8020: NXDOMAIN holds for every record type. But some servers answer NXDOMAIN for AAAA although the name has an IPv4 address
    // (RFC 4074 section 4.2), so the other family keeps some time.
    else if (outcome.kind === "NXDOMAIN") limit.limit(OTHER_FAMILY, () => new Error("There is no such name"));
    return outcome;
  };
  const types = lookUp.conf.noIpv6 ? [RecordType.A] : [RecordType.A, RecordType.AAAA];
  const outcomes = await Promise.all(types.map(one));
  const found = outcomes.filter((outcome): outcome is AnswerPath => !isFailure(outcome));
  if (found.length > 0) {
    const names = [...new Set(found.flatMap(({ names }) => names))];
    return { names, values: found.flatMap(({ values }) => values) };
  }
  const failures = outcomes.filter((outcome) => isFailure(outcome));
  return failures.find(({ kind }) => kind === "NXDOMAIN") ?? failures.reduce((a, b) => worseOf(a, b));
}

/** Asks one server after the other until one gives a definite answer. */
async function askServers(wanted: Wanted, lookUp: LookUp, signal: AbortSignal): Promise<Outcome> {
  const { servers, attempts, rotate, timeout } = lookUp.conf;
  const first = rotate ? nextServer++ % servers.length : 0;
  let worst: Failure | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    let isSilent = false;
    for (const [i, server] of [...servers.slice(first), ...servers.slice(0, first)].entries()) {
      // A silent server gets less time if there is another server to ask, and only in the first attempt.
      const isShort = attempt === 0 && i < servers.length - 1 && silentServers.has(server);
      const milliseconds = isShort ? Math.min(timeout, SHORT_TIMEOUT) : timeout;
      const outcome = await askServer(server, { ...wanted, milliseconds }, lookUp, signal);
      if (!isFailure(outcome) || outcome.kind === "NXDOMAIN" || outcome.kind === "NODATA") return outcome;
      isSilent ||= outcome.kind === "TIMEOUT";
      worst = worseOf(worst, outcome);
    }
    // Servers that answered with an error would answer the same again.
    if (!isSilent) break;
  }
  return worst!;
}

async function askServer(
  server: Endpoint,
  { milliseconds, ...wanted }: Wanted & { readonly milliseconds: number },
  { conf: { tcp }, queries }: LookUp,
  signal: AbortSignal,
): Promise<Outcome> {
  using deadline = startDeadline({ milliseconds, signal, reason: () => new Error("The name server is silent") });
  const report = silentServers.asked(server);
  try {
    const answer = await queries.query(server, wanted, { tcp, signal: deadline.signal });
    report(true);
    const outcome = outcomeOf(answer, wanted);
    return typeof outcome === "string" ? { kind: outcome, server } : outcome;
  } catch {
    report(false);
    signal.throwIfAborted();
    // A server that cannot be reached counts as one that does not answer.
    return { kind: "TIMEOUT", server };
  }
}

/** RCODE values (RFC 1035 section 4.1.1). */
const RCODE = { NOERROR: 0, NXDOMAIN: 3, REFUSED: 5 } as const;

function outcomeOf({ code, records }: Answer, wanted: Wanted): AnswerPath | FailureKind {
  if (code === RCODE.NXDOMAIN) return "NXDOMAIN";
  if (code === RCODE.REFUSED) return "REFUSED";
  if (code !== RCODE.NOERROR) return "SERVFAIL";
  const path = followCnames(wanted, records);
  if (path === undefined) return "LOOP";
  return path.values.length === 0 ? "NODATA" : path;
}

function worseOf(one: Failure | undefined, other: Failure): Failure {
  return one !== undefined && FAILURES.indexOf(one.kind) >= FAILURES.indexOf(other.kind) ? one : other;
}

function failureError(name: string, { kind, server }: Failure): SocksReplyError {
  const at = `name server ${formatEndpoint(server)}`;
  const reasons: Readonly<Record<FailureKind, string>> = {
    NXDOMAIN: "there is no such name (NXDOMAIN)",
    NODATA: "the name exists but has no address (NODATA)",
    LOOP: "its CNAME records form a loop",
    REFUSED: `${at} refused to answer (REFUSED)`,
    SERVFAIL: `${at} failed (SERVFAIL)`,
    TIMEOUT: `${at} did not answer`,
  };
  return new SocksReplyError("HOST_UNREACHABLE", `Cannot find ${name}: ${reasons[kind]}`);
}
