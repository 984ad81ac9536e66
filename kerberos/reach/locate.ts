/**
 * Where a realm's KDCs are: the configuration, or the SRV records of RFC 4120 section 7.2.3.
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";
import { splitEndpoint } from "../../base/endpoint.ts";
import { randomUint32, type Runtime, systemRuntime } from "../../base/runtime.ts";
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { KerberosError, printable } from "../errors.ts";

/** One way to reach a KDC. */
export interface KdcEndpoint {
  /** Transport; `undefined` where both will do. */
  readonly protocol: "tcp" | "udp" | undefined;
  /** Host name or address, IPv6 without brackets. */
  readonly hostname: string;
  /** Port. */
  readonly port: number;
}

/** A service record (RFC 2782). */
export interface SrvRecord {
  /** Lower ones are tried first. */
  readonly priority: number;
  /** How often it is to be the first among those of one priority, against the weights of the others. */
  readonly weight: number;
  /** Port. */
  readonly port: number;
  /** Host name. */
  readonly target: string;
}

/** Looks up service records; an empty list where there are none. */
export type SrvResolver = (
  name: string,
  options: { readonly signal?: AbortSignal | undefined },
) => Promise<readonly SrvRecord[]>;

const KDC_PORT = 88;

/**
 * Reads `host`, `host:port`, `[v6]`, `[v6]:port`, with `tcp/` or `udp/` in front.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseEndpoint(text: string, defaultPort: number = KDC_PORT): KdcEndpoint {
  const [, protocol, place] = /^(?:(tcp|udp)\/)?(.*)$/s.exec(text)!;
  const parts = splitEndpoint(place!, defaultPort);
  if (parts === undefined || parts.zone?.includes("~") || parts.port < 1) {
    throw new KerberosError("BAD_CONFIG", `Cannot read KDC address ${JSON.stringify(text)}: host or host:port wanted`);
  }
  const hostname = parts.zone === undefined ? parts.host : `${parts.host}%${parts.zone}`;
  return { protocol: protocol as "tcp" | "udp" | undefined, hostname, port: parts.port };
}

/** Most hosts that are taken from one answer of the DNS. */
const MAX_TARGETS = 10;

/** How long the DNS may take, in milliseconds. */
const LOOKUP_TIMEOUT = 3_000;
/** How long hosts for the other protocol are waited for once there are some for the preferred one, in milliseconds. */
const GRACE = 250;

/** What {@linkcode locateKdcs} looks in. */
export interface LocateOptions {
  readonly config: KerberosConfig;
  readonly resolveSrv: SrvResolver | undefined;
  /** Protocol whose hosts come first where the DNS names them. @default {"tcp"} */
  readonly preferred?: "tcp" | "udp" | undefined;
  /** How long the DNS may take, in milliseconds. @default {3000} */
  readonly timeout?: number | undefined;
  /** Draws among hosts of one priority. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * KDCs of a realm, in the order to be tried. The DNS is asked only where the configuration names none, and is not waited for
 * longer than its time.
 *
 * @throws {KerberosError} `KDC_UNREACHABLE` when none is known.
 */
export async function locateKdcs(realm: string, options: LocateOptions): Promise<readonly KdcEndpoint[]> {
  const { config } = options;
  const configured = config.realms.get(realm)?.kdc ?? [];
  if (configured.length > 0) return configured.map((text) => parseEndpoint(text));
  const { found, silent } = await srvEndpoints(["_kerberos"], realm, options);
  if (found.length > 0) return found;
  const answer = silent ? ", and the DNS does not answer" : ", nor does the DNS";
  throw new KerberosError(
    "KDC_UNREACHABLE",
    `Cannot find a KDC of ${printable(realm)}: krb5.conf names none` + (config.dnsLookupKdc ? answer : ""),
  );
}

/**
 * KDCs of a realm that know of every new password at once: `primary_kdc` of the configuration, or where that names no KDC at all,
 * what the DNS has under MIT's names for them. None is a good answer.
 */
export async function locatePrimaryKdcs(realm: string, options: LocateOptions): Promise<readonly KdcEndpoint[]> {
  const configured = options.config.realms.get(realm);
  const { primaryKdc = [], kdc = [] } = configured ?? {};
  if (primaryKdc.length > 0 || kdc.length > 0) return primaryKdc.map((text) => parseEndpoint(text));
  return (await srvEndpoints(["_kerberos-primary", "_kerberos-master"], realm, options)).found;
}

/** Hosts that the DNS names for the first of these services that has any, and whether it did not answer in time. */
async function srvEndpoints(
  services: readonly string[],
  realm: string,
  options: LocateOptions,
): Promise<{ readonly found: readonly KdcEndpoint[]; readonly silent: boolean }> {
  const { config, resolveSrv, timeout: milliseconds = LOOKUP_TIMEOUT } = options;
  let silent = false;
  if (!config.dnsLookupKdc || resolveSrv === undefined || !/^[A-Za-z0-9._-]{1,200}$/.test(realm)) {
    return { found: [], silent };
  }
  const reason = () => {
    silent = true;
    return new Error("the DNS does not answer");
  };
  using deadline = startDeadline({ milliseconds, signal: options.signal, reason });
  try {
    for (const service of services) {
      const { preferred = "tcp" } = options;
      const found = await bothProtocols(preferred, deadline.signal, async (protocol) => {
        const asked = resolveSrv(`${service}._${protocol}.${realm}.`, { signal: deadline.signal });
        const records = await abortable(asked, deadline.signal);
        const ordered = inOrder(records.filter(({ target }) => isHost(target)), options.runtime ?? systemRuntime);
        return ordered.map(({ target, port }) => ({ protocol, hostname: target.replace(/\.$/, ""), port }));
      });
      options.signal?.throwIfAborted();
      if (found.length > 0) return { found, silent };
    }
    return { found: [], silent };
  } finally {
    // What is still under way is of no use any more.
    deadline.abort(new Error("enough hosts are known"));
  }
}

/**
 * Asks for hosts of both protocols at the same time, since a name server may be silent about either, and does not wait long for
 * those of one once there are some of the other.
 */
async function bothProtocols(
  preferred: "tcp" | "udp",
  signal: AbortSignal,
  ask: (protocol: "tcp" | "udp") => Promise<readonly KdcEndpoint[]>,
): Promise<readonly KdcEndpoint[]> {
  const found: (readonly KdcEndpoint[])[] = [[], []];
  const none = new Error("there are none");
  const asked = [preferred, preferred === "tcp" ? "udp" as const : "tcp" as const].map(async (protocol, i) => {
    found[i] = await ask(protocol);
    if (found[i]!.length === 0) throw none;
  });
  try {
    await Promise.any(asked);
  } catch (error) {
    // Whatever else has gone wrong, a permission that is missing for one, is said.
    const failed = (error as AggregateError).errors.find((reason) => reason !== none);
    if (failed === undefined || signal.aborted) return [];
    throw failed;
  }
  using grace = startDeadline({ milliseconds: GRACE, signal, reason: () => new Error("the others are late") });
  await abortable(Promise.allSettled(asked), grace.signal).catch(() => {});
  return found.flat();
}

/** A target of "." says that there is no such service (RFC 2782); what is no host name is not looked up. */
function isHost(target: string): boolean {
  return target.length <= 255 && /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/.test(target);
}

/** RFC 2782: by priority, and among those of one drawn by chance, heavier ones more often. At most so many as are used. */
function inOrder(records: readonly SrvRecord[], runtime: Runtime): readonly SrvRecord[] {
  const out: SrvRecord[] = [];
  for (const priority of [...new Set(records.map((record) => record.priority))].sort((a, b) => a - b)) {
    // Those without weight come first, so that the sum reaches them only when zero is drawn.
    const left = records.filter((record) => record.priority === priority).sort((a, b) => a.weight - b.weight);
    while (left.length > 0) {
      if (out.length === MAX_TARGETS) return out;
      const drawn = draw(left.reduce((sum, { weight }) => sum + weight, 0), runtime);
      let sum = 0;
      const at = left.findIndex(({ weight }) => (sum += weight) >= drawn);
      out.push(...left.splice(at, 1));
    }
  }
  return out;
}

/** A number by chance from 0 to `maximum`, both included. The sums are far below 2^32, so that the bias is too small to matter. */
function draw(maximum: number, runtime: Runtime): number {
  return randomUint32(runtime) % (maximum + 1);
}
