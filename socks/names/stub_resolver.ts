/**
 * A stub resolver (RFC 1123 section 6.1.3.1) over the machine's name servers, which holds no thread while it waits: search list,
 * servers and attempts as resolv.conf(5) says.
 *
 * @module
 */
import { startDeadline } from "../../base/deadline.ts";
import { SocksReplyError } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { Questions } from "./dns_queries.ts";
import { type Answer, followed, type Question, RecordType, type Way } from "./dns_message.ts";
import { candidates, type NameServers } from "./resolv_conf.ts";
import type { Resolved } from "./resolver.ts";
import { SHORT_PATIENCE, SilentServers } from "./silent_servers.ts";

/** Why a name has no address, and how much that says: of several names the reason that says most is told. */
const FAILURES = ["NXDOMAIN", "REFUSED", "SERVFAIL", "LOOP", "NODATA", "TIMEOUT"] as const;
type FailureKind = typeof FAILURES[number];

interface Failure {
  readonly kind: FailureKind;
  readonly server: Endpoint;
}

/** What came of one question. */
type Outcome = Way | Failure;

function isFailure<T extends object>(outcome: T | Failure): outcome is Failure {
  return "kind" in outcome;
}

/** Time that one family has still when the other one is there, in milliseconds (RFC 8305 section 3 has 50 for the shortest). */
const OTHER_FAMILY = 1_000;

/** What the questions of one look-up have in common. */
interface Asking {
  readonly conf: NameServers;
  readonly questions: Questions;
}

/** What is asked. */
type Wanted = Pick<Question, "name" | "type">;

/** Which server is the first, where they take turns. */
let turn = 0;

/** What one look-up has seen of servers is of use to the next one. */
const silentServers = new SilentServers();

/**
 * Looks up the addresses of a name.
 *
 * @throws {SocksReplyError} `HOST_UNREACHABLE`, which says why.
 * @throws {unknown} The signal's reason.
 */
export async function lookUpAddresses(name: string, conf: NameServers, signal: AbortSignal): Promise<Resolved> {
  using questions = new Questions();
  let worst: Failure | undefined;
  for (const candidate of candidates(name, conf)) {
    const found = await bothFamilies(candidate, { conf, questions }, signal);
    if (!isFailure(found)) {
      const names = candidate === name ? found.names : [candidate, ...found.names];
      return { addresses: found.values, names };
    }
    worst = worse(worst, found);
    // Who does not answer does not do so for the next name either.
    if (found.kind === "TIMEOUT") break;
  }
  throw failureOf(name, worst!);
}

/** Looks up the names of an address in its zone (RFC 1035 section 3.5, RFC 3596 section 2.5), as {@linkcode lookUpAddresses}. */
export async function lookUpNames(
  address: Uint8Array,
  text: string,
  conf: NameServers,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const labels = address.length === 4
    ? [...address].map(String)
    : [...address].flatMap((byte) => [byte >> 4, byte & 15].map((n) => n.toString(16)));
  const name = `${labels.reverse().join(".")}.${address.length === 4 ? "in-addr" : "ip6"}.arpa`;
  using questions = new Questions();
  const found = await askAll({ name, type: RecordType.PTR }, { conf, questions }, signal);
  if (isFailure(found)) throw failureOf(text, found);
  return found.values;
}

/** Both at the same time. One that has no answer does not take the other one's away. */
async function bothFamilies(name: string, asking: Asking, signal: AbortSignal): Promise<Outcome> {
  using limit = startDeadline({ milliseconds: Infinity, signal, reason: () => new Error("The other family is there") });
  const one = async (type: number): Promise<Outcome> => {
    let outcome: Outcome;
    try {
      outcome = await askAll({ name, type }, asking, limit.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!limit.signal.aborted) throw error;
      return { kind: "TIMEOUT", server: asking.conf.servers[0]! };
    }
    if (!isFailure(outcome)) limit.limit(OTHER_FAMILY, () => new Error("The other family is there"));
    // RFC 8020: a name that is not there is not there for any kind of records. Servers say so of names without an IPv6 address, too
    // (RFC 4074 section 4.2).
    else if (outcome.kind === "NXDOMAIN") limit.limit(OTHER_FAMILY, () => new Error("There is no such name"));
    return outcome;
  };
  const ways = await Promise.all(asking.conf.noIpv6 ? [one(RecordType.A)] : [one(RecordType.A), one(RecordType.AAAA)]);
  const found = ways.filter((way): way is Way => !isFailure(way));
  if (found.length > 0) {
    const names = [...new Set(found.flatMap(({ names }) => names))];
    return { names, values: found.flatMap(({ values }) => values) };
  }
  const failures = ways.filter((way) => isFailure(way));
  return failures.find(({ kind }) => kind === "NXDOMAIN") ?? failures.reduce((a, b) => worse(a, b));
}

/** Asks the servers in turn until one says something. */
async function askAll(wanted: Wanted, asking: Asking, signal: AbortSignal): Promise<Outcome> {
  const { servers, attempts, rotate, timeout } = asking.conf;
  const first = rotate ? turn++ % servers.length : 0;
  let worst: Failure | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    let silent = false;
    for (const [i, server] of [...servers.slice(first), ...servers.slice(0, first)].entries()) {
      // There is another one, and this one's turn comes again.
      const hasLess = attempt === 0 && i < servers.length - 1 && silentServers.has(server);
      const milliseconds = hasLess ? Math.min(timeout, SHORT_PATIENCE) : timeout;
      const outcome = await askOne(server, { ...wanted, milliseconds }, asking, signal);
      if (!isFailure(outcome) || outcome.kind === "NXDOMAIN" || outcome.kind === "NODATA") return outcome;
      silent ||= outcome.kind === "TIMEOUT";
      worst = worse(worst, outcome);
    }
    // Those who have said that they cannot say would say it again.
    if (!silent) break;
  }
  return worst!;
}

async function askOne(
  server: Endpoint,
  { milliseconds, ...wanted }: Wanted & { readonly milliseconds: number },
  { conf: { tcp }, questions }: Asking,
  signal: AbortSignal,
): Promise<Outcome> {
  using deadline = startDeadline({ milliseconds, signal, reason: () => new Error("The name server is silent") });
  const end = silentServers.asked(server);
  try {
    const answer = await questions.ask(server, wanted, { tcp, signal: deadline.signal });
    end(true);
    const outcome = outcomeOf(answer, wanted);
    return typeof outcome === "string" ? { kind: outcome, server } : outcome;
  } catch {
    end(false);
    signal.throwIfAborted();
    // Whether it is silent or cannot be reached, there is no answer of it.
    return { kind: "TIMEOUT", server };
  }
}

const NO_ERROR = 0;
const NAME_ERROR = 3;
const NOT_HERE = 5;

function outcomeOf({ code, records }: Answer, wanted: Wanted): Way | FailureKind {
  if (code === NAME_ERROR) return "NXDOMAIN";
  if (code === NOT_HERE) return "REFUSED";
  if (code !== NO_ERROR) return "SERVFAIL";
  const way = followed(wanted, records);
  if (way === undefined) return "LOOP";
  return way.values.length === 0 ? "NODATA" : way;
}

function worse(one: Failure | undefined, other: Failure): Failure {
  return one !== undefined && FAILURES.indexOf(one.kind) >= FAILURES.indexOf(other.kind) ? one : other;
}

function failureOf(name: string, { kind, server }: Failure): SocksReplyError {
  const at = `name server ${formatEndpoint(server)}`;
  const reasons: Readonly<Record<FailureKind, string>> = {
    NXDOMAIN: "there is no such name (NXDOMAIN)",
    NODATA: "the name is there and has no address (NODATA)",
    LOOP: "its CNAMEs lead nowhere",
    REFUSED: `${at} refused to answer (REFUSED)`,
    SERVFAIL: `${at} failed (SERVFAIL)`,
    TIMEOUT: `${at} did not answer`,
  };
  return new SocksReplyError("HOST_UNREACHABLE", `Cannot find ${name}: ${reasons[kind]}`);
}
