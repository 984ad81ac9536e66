/**
 * Where a realm's KDCs are: the configuration, or the SRV records of RFC 4120 section 7.2.3.
 *
 * @module
 */
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { KerberosError } from "../errors.ts";

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
  /** Higher ones are tried first among those of one priority. */
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

/** What {@linkcode locateKdcs} looks in. */
export interface LocateOptions {
  readonly config: KerberosConfig;
  readonly resolveSrv: SrvResolver | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * KDCs of a realm, in the order to be tried.
 *
 * @throws {KerberosError} `KDC_UNREACHABLE` when none is known.
 */
export async function locateKdcs(realm: string, options: LocateOptions): Promise<readonly KdcEndpoint[]> {
  const { config, resolveSrv, signal } = options;
  const configured = config.realms.get(realm);
  if (configured !== undefined && configured.kdc.length > 0) return configured.kdc.map((text) => parseEndpoint(text));
  const found: KdcEndpoint[] = [];
  if (config.dnsLookupKdc && resolveSrv !== undefined && /^[A-Za-z0-9._-]+$/.test(realm)) {
    for (const protocol of ["tcp", "udp"] as const) {
      const records = await resolveSrv(`_kerberos._${protocol}.${realm}.`, { signal });
      // A target of "." says that there is no such service (RFC 2782).
      const usable = records.filter(({ target }) => target !== "." && target !== "");
      found.push(
        ...usable.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)
          .map(({ target, port }) => ({ protocol, hostname: target.replace(/\.$/, ""), port })),
      );
    }
  }
  if (found.length > 0) return found;
  throw new KerberosError(
    "KDC_UNREACHABLE",
    `Cannot find a KDC of ${realm}: krb5.conf names none` + (config.dnsLookupKdc ? ", nor does the DNS" : ""),
  );
}
