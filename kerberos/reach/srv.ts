/**
 * Service records of the DNS (RFC 2782): the hosts of a realm's KDCs (RFC 4120 section 7.2.3.2), in the order to be tried.
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";
import { randomUint32, type Runtime, systemRuntime } from "../../base/runtime.ts";

/** A service record (RFC 2782). */
export interface SrvRecord {
  /** Records of lower priority are tried first. */
  readonly priority: number;
  /** Chance to be tried first among the records of one priority, in proportion to the weights of the others. */
  readonly weight: number;
  /** Port. */
  readonly port: number;
  /** Host name. */
  readonly target: string;
}

/** Looks up service records; an empty list if there are none. */
export type SrvResolver = (
  name: string,
  options: { readonly signal?: AbortSignal | undefined },
) => Promise<readonly SrvRecord[]>;

/** A host of a service. */
export interface SrvHost {
  readonly protocol: "tcp" | "udp";
  readonly hostname: string;
  readonly port: number;
}

/** Options of {@linkcode lookUpHosts}. */
export interface LookUpOptions {
  readonly resolveSrv: SrvResolver;
  /** Protocol whose hosts come first. @default {"tcp"} */
  readonly preferred?: "tcp" | "udp" | undefined;
  /** How long the DNS may take, in milliseconds. @default {3000} */
  readonly timeout?: number | undefined;
  /** Randomness for the choice among hosts of one priority. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Hosts that the DNS names. */
export interface FoundHosts {
  readonly hosts: readonly SrvHost[];
  /** Whether the DNS did not answer in time. */
  readonly silent: boolean;
}

/** Hosts that are taken from one answer of the DNS at most. */
const MAX_HOSTS = 10;
/** How long the DNS may take, in milliseconds. */
const LOOKUP_TIMEOUT = 3_000;
/** How long the records of one protocol are waited for once there are some of the other, in milliseconds. */
const GRACE = 250;

/** Looks up the hosts of the first of several services that has any, such as `_kerberos`, in a realm that is a domain name. */
export async function lookUpHosts(
  services: readonly string[],
  realm: string,
  options: LookUpOptions,
): Promise<FoundHosts> {
  const { resolveSrv, timeout: milliseconds = LOOKUP_TIMEOUT, preferred = "tcp", runtime = systemRuntime } = options;
  let silent = false;
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(realm)) return { hosts: [], silent };
  const reason = () => {
    silent = true;
    return new Error("the DNS does not answer");
  };
  using deadline = startDeadline({ milliseconds, signal: options.signal, reason });
  try {
    for (const service of services) {
      const hosts = await ofBothProtocols(preferred, deadline.signal, async (protocol) => {
        const answer = resolveSrv(`${service}._${protocol}.${realm}.`, { signal: deadline.signal });
        const records = await abortable(answer, deadline.signal);
        const ordered = inOrder(records.filter(({ target }) => isHostName(target)), runtime);
        return ordered.map(({ target, port }) => ({ protocol, hostname: target.replace(/\.$/, ""), port }));
      });
      options.signal?.throwIfAborted();
      if (hosts.length > 0) return { hosts, silent };
    }
    return { hosts: [], silent };
  } finally {
    // Ends the look-ups that are still under way.
    deadline.abort(new Error("enough hosts are known"));
  }
}

/**
 * Looks up the hosts of both protocols at the same time: a name server may be silent about either. Once there are some of one, the
 * others are not waited for long.
 */
async function ofBothProtocols(
  preferred: "tcp" | "udp",
  signal: AbortSignal,
  lookUp: (protocol: "tcp" | "udp") => Promise<readonly SrvHost[]>,
): Promise<readonly SrvHost[]> {
  const hosts: (readonly SrvHost[])[] = [[], []];
  const none = new Error("there are none");
  const lookUps = [preferred, preferred === "tcp" ? "udp" as const : "tcp" as const].map(async (protocol, i) => {
    hosts[i] = await lookUp(protocol);
    if (hosts[i]!.length === 0) throw none;
  });
  try {
    await Promise.any(lookUps);
  } catch (error) {
    // Another reason, such as a missing permission, is reported.
    const failure = (error as AggregateError).errors.find((reason) => reason !== none);
    if (failure === undefined || signal.aborted) return [];
    throw failure;
  }
  using grace = startDeadline({ milliseconds: GRACE, signal, reason: () => new Error("the others are late") });
  await abortable(Promise.allSettled(lookUps), grace.signal).catch(() => {});
  return hosts.flat();
}

/** A target of "." means that there is no such service (RFC 2782); one that is no host name is not looked up. */
function isHostName(target: string): boolean {
  return target.length <= 255 && /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/.test(target);
}

/** RFC 2782: by priority, and among records of one priority at random, heavier ones more often. */
function inOrder(records: readonly SrvRecord[], runtime: Runtime): readonly SrvRecord[] {
  const out: SrvRecord[] = [];
  for (const priority of [...new Set(records.map((record) => record.priority))].sort((a, b) => a - b)) {
    // Records without weight come first, so that the running sum reaches them only if zero is drawn.
    const left = records.filter((record) => record.priority === priority).sort((a, b) => a.weight - b.weight);
    while (left.length > 0) {
      if (out.length === MAX_HOSTS) return out;
      const drawn = draw(left.reduce((sum, { weight }) => sum + weight, 0), runtime);
      let sum = 0;
      const at = left.findIndex(({ weight }) => (sum += weight) >= drawn);
      out.push(...left.splice(at, 1));
    }
  }
  return out;
}

/** A random number from 0 to `maximum`, both included. The sums are far below 2^32, so that the bias is too small to matter. */
function draw(maximum: number, runtime: Runtime): number {
  return randomUint32(runtime) % (maximum + 1);
}
