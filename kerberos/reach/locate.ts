/**
 * Locates the KDCs of a realm: in the configuration, or by the SRV records of RFC 4120 section 7.2.3.2.
 *
 * @module
 */
import { splitEndpoint } from "../../base/endpoint.ts";
import { reasonText } from "../../base/reason.ts";
import type { KerberosConfig, RealmConfig } from "../config/krb5_conf.ts";
import { placeText } from "../config/profile.ts";
import { placedHosts } from "../config/realms.ts";
import { KerberosError, peerText } from "../errors.ts";
import { type FoundHosts, lookUpHosts, type LookUpOptions, type SrvResolver } from "./srv.ts";

/** One way to reach a KDC. */
export interface KdcEndpoint {
  /** Transport protocol; `undefined` if both will do. */
  readonly protocol: "tcp" | "udp" | undefined;
  /** Host name or address, IPv6 without brackets. */
  readonly hostname: string;
  /** Port. */
  readonly port: number;
}

const KDC_PORT = 88;

/**
 * Reads `host`, `host:port`, `[v6]`, `[v6]:port`, with `tcp/` or `udp/` in front.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseEndpoint(text: string, defaultPort: number = KDC_PORT): KdcEndpoint {
  const fail = (problem: string): never => {
    throw new KerberosError("BAD_CONFIG", `Cannot read KDC address ${JSON.stringify(text)}: ${problem}`);
  };
  if (/^https:\/\//i.test(text)) {
    return fail("KDC proxies (MS-KKDCP) are not supported; name a KDC as host or host:port");
  }
  const [, protocol, place] = /^(?:(tcp|udp)\/)?(.*)$/s.exec(text)!;
  if (/^\d+$/.test(place!)) return fail("it is a port alone, expected host or host:port");
  const parts = splitEndpoint(place!, defaultPort);
  if (parts === undefined || parts.zone?.includes("~") || parts.port < 1) return fail("expected host or host:port");
  const hostname = parts.zone === undefined ? parts.host : `${parts.host}%${parts.zone}`;
  return { protocol: protocol as "tcp" | "udp" | undefined, hostname, port: parts.port };
}

/** Reads the addresses that a realm's relation names. One that cannot be used does no harm to the others. */
function readEndpoints(texts: readonly string[]): { readonly usable: KdcEndpoint[]; readonly failures: unknown[] } {
  const usable: KdcEndpoint[] = [];
  const failures: unknown[] = [];
  for (const text of texts) {
    try {
      usable.push(parseEndpoint(text));
    } catch (error) {
      failures.push(error);
    }
  }
  return { usable, failures };
}

/** The error for a realm whose KDCs are configured, and none of them can be used. */
function noneUsable(realm: string, failures: readonly unknown[], { profile }: KerberosConfig): KerberosError {
  const places = new Set(placedHosts(profile, realm, "kdc").map(({ place }) => place && placeText(place)));
  const where = [...places].filter((place) => place !== undefined).join("; ");
  const problems = failures.map(reasonText).join("; ");
  return new KerberosError(
    "BAD_CONFIG",
    `Cannot use any KDC of ${peerText(realm)}${where === "" ? "" : ` (${where})`}: ${problems}`,
  );
}

/** Options of {@linkcode locateKdcs}. */
export interface LocateOptions extends Omit<LookUpOptions, "resolveSrv"> {
  readonly config: KerberosConfig;
  readonly resolveSrv: SrvResolver | undefined;
}

/**
 * Returns the KDCs of a realm, in the order to be tried. Configured ones that cannot be used are left out while there are others. The
 * DNS is asked only if the configuration names none.
 *
 * @throws {KerberosError} `KDC_UNREACHABLE` if none is known; `BAD_CONFIG` if none of those configured can be used.
 */
export async function locateKdcs(realm: string, options: LocateOptions): Promise<readonly KdcEndpoint[]> {
  const { config } = options;
  if (realm === "") {
    throw new KerberosError(
      "KDC_UNREACHABLE",
      "Cannot find a KDC: the name has no realm; write NAME@REALM, or set default_realm in krb5.conf",
    );
  }
  const configured = realmConfig(config, realm)?.kdc ?? [];
  if (configured.length > 0) {
    const { usable, failures } = readEndpoints(configured);
    if (usable.length > 0) return usable;
    throw noneUsable(realm, failures, config);
  }
  const { hosts, silent } = await lookUp(["_kerberos"], realm, options);
  if (hosts.length > 0) return hosts;
  const answer = silent ? ", and the DNS does not answer" : ", nor does the DNS";
  throw new KerberosError(
    "KDC_UNREACHABLE",
    `Cannot find a KDC of ${peerText(realm)}: krb5.conf names none` + (config.dnsLookupKdc ? answer : ""),
  );
}

/**
 * The entry of a realm or, if it has none, the only one of a name that differs in case: the DNS does not tell them apart either, and
 * the KDC answers with the realm's own name (RFC 6806 section 7).
 */
function realmConfig({ realms }: KerberosConfig, realm: string): RealmConfig | undefined {
  const exact = realms.get(realm);
  if (exact !== undefined) return exact;
  const similar = [...realms].filter(([name]) => name.toUpperCase() === realm.toUpperCase());
  return similar.length === 1 ? similar[0]![1] : undefined;
}

/**
 * Returns the KDCs of a realm that know every new password at once: `primary_kdc` of the configuration or, if that names no KDC at
 * all, the hosts that the DNS has under MIT's names for them. There may be none.
 */
export async function locatePrimaryKdcs(realm: string, options: LocateOptions): Promise<readonly KdcEndpoint[]> {
  const configured = realmConfig(options.config, realm);
  const { primaryKdc = [], kdc = [] } = configured ?? {};
  if (primaryKdc.length > 0 || kdc.length > 0) return readEndpoints(primaryKdc).usable;
  return (await lookUp(["_kerberos-primary", "_kerberos-master"], realm, options)).hosts;
}

async function lookUp(services: readonly string[], realm: string, options: LocateOptions): Promise<FoundHosts> {
  const { config, resolveSrv } = options;
  if (!config.dnsLookupKdc || resolveSrv === undefined) return { hosts: [], silent: false };
  return await lookUpHosts(services, realm, { ...options, resolveSrv });
}
