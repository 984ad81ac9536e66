/**
 * Where a realm's KDCs are: the configuration, or the SRV records of RFC 4120 section 7.2.3.
 *
 * @module
 */
import { randomUint32, type Runtime, systemRuntime } from "../../gss/runtime.ts";
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
  const parts = /^(?:(tcp|udp)\/)?(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(parts?.[4] ?? defaultPort);
  if (parts === null || port < 1 || port > 65_535) {
    throw new KerberosError("BAD_CONFIG", `Cannot read KDC address ${JSON.stringify(text)}: host or host:port wanted`);
  }
  return { protocol: parts[1] as "tcp" | "udp" | undefined, hostname: parts[2] ?? parts[3]!, port };
}

/** Most hosts that are taken from one answer of the DNS. */
const MAX_TARGETS = 10;

/** What {@linkcode locateKdcs} looks in. */
export interface LocateOptions {
  readonly config: KerberosConfig;
  readonly resolveSrv: SrvResolver | undefined;
  /** Draws among hosts of one priority. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * KDCs of a realm, in the order to be tried.
 *
 * @throws {KerberosError} `KDC_UNREACHABLE` when none is known.
 */
export async function locateKdcs(realm: string, options: LocateOptions): Promise<readonly KdcEndpoint[]> {
  const { config, resolveSrv, signal, runtime = systemRuntime } = options;
  const configured = config.realms.get(realm);
  if (configured !== undefined && configured.kdc.length > 0) return configured.kdc.map((text) => parseEndpoint(text));
  const found: KdcEndpoint[] = [];
  if (config.dnsLookupKdc && resolveSrv !== undefined && /^[A-Za-z0-9._-]{1,200}$/.test(realm)) {
    for (const protocol of ["tcp", "udp"] as const) {
      const records = await resolveSrv(`_kerberos._${protocol}.${realm}.`, { signal });
      const ordered = inOrder(records.filter(({ target }) => isHost(target)), runtime);
      found.push(...ordered.map(({ target, port }) => ({ protocol, hostname: target.replace(/\.$/, ""), port })));
    }
  }
  if (found.length > 0) return found;
  throw new KerberosError(
    "KDC_UNREACHABLE",
    `Cannot find a KDC of ${printable(realm)}: krb5.conf names none` +
      (config.dnsLookupKdc ? ", nor does the DNS" : ""),
  );
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
