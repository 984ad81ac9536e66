/**
 * Kerberos configuration: what krb5.conf says, typed, with MIT's defaults except where they are unsafe: host names are
 * never canonicalized through the DNS, so that a forged answer cannot choose the service that a client authenticates to.
 *
 * Relations that are not known here are kept in {@linkcode KerberosConfig.profile} and change nothing.
 *
 * @module
 */
import { DEFAULT_ENCTYPES, enctypeByName } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";
import { emptySection, parseProfile, type ProfileSection, type ProfileSource } from "./profile.ts";

/** Where a realm's services are. */
export interface RealmConfig {
  /** KDCs as `host`, `host:port`, `[v6]:port`, with `tcp/` or `udp/` in front where only one will do. */
  readonly kdc: readonly string[];
  /** KDC that passwords are changed at first. */
  readonly primaryKdc: readonly string[];
  /** Password change services. */
  readonly kpasswdServer: readonly string[];
  /** Administration services. */
  readonly adminServer: readonly string[];
}

/** Configuration of one client or service; nothing is read from anywhere else. Durations are in milliseconds. */
export interface KerberosConfig {
  /** Realm of names that give none. @default {undefined} */
  readonly defaultRealm?: string | undefined;
  /** Realms by name. @default {{}} */
  readonly realms: ReadonlyMap<string, RealmConfig>;
  /** Realm by host name, or by domain with a dot in front. @default {{}} */
  readonly domainRealm: ReadonlyMap<string, string>;
  /**
   * Realms that may vouch on the way from one realm to another, by the client's realm, then by the service's; `.` stands for
   * none. @default {{}}
   */
  readonly capaths: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  /** Enctypes that may be used at all, in order of preference. @default {18, 20, 17, 19} */
  readonly permittedEnctypes: readonly number[];
  /** Enctypes asked for in initial tickets. */
  readonly defaultTktEnctypes: readonly number[];
  /** Enctypes asked for in service tickets. */
  readonly defaultTgsEnctypes: readonly number[];
  /** How far clocks may be apart. @default {300000} */
  readonly clockskew: number;
  /** Lifetime asked for. @default {86400000} */
  readonly ticketLifetime: number;
  /** Renewable lifetime asked for. @default {0} */
  readonly renewLifetime: number;
  /** Whether initial tickets are to be forwardable. @default {false} */
  readonly forwardable: boolean;
  /** Whether initial tickets are to be proxiable. @default {false} */
  readonly proxiable: boolean;
  /** Whether the client name may be replaced by its canonical form. @default {false} */
  readonly canonicalize: boolean;
  /** Whether KDCs are looked up by SRV records. @default {true} */
  readonly dnsLookupKdc: boolean;
  /** Messages up to this size go over UDP first; 0 for TCP only. @default {0} */
  readonly udpPreferenceLimit: number;
  /** Whether the KDC's clock, where it differs, is reckoned with. @default {true} */
  readonly kdcTimesync: boolean;
  /** Cache used where none is named. */
  readonly defaultCcacheName?: string | undefined;
  /** Keytab used where none is named. */
  readonly defaultKeytabName?: string | undefined;
  /** Everything that was read. */
  readonly profile: ProfileSection;
}

/** Configuration without any file. */
export const DEFAULT_CONFIG: KerberosConfig = Object.freeze({
  realms: new Map(),
  domainRealm: new Map(),
  capaths: new Map(),
  permittedEnctypes: DEFAULT_ENCTYPES,
  defaultTktEnctypes: DEFAULT_ENCTYPES,
  defaultTgsEnctypes: DEFAULT_ENCTYPES,
  clockskew: 300_000,
  ticketLifetime: 86_400_000,
  renewLifetime: 0,
  forwardable: false,
  proxiable: false,
  canonicalize: false,
  dnsLookupKdc: true,
  udpPreferenceLimit: 0,
  kdcTimesync: true,
  profile: emptySection(),
});

/**
 * Reads the text of krb5.conf files, the first of them counting most.
 *
 * @throws {KerberosError} `BAD_CONFIG`, with file and line.
 *
 * @example
 * ```ts
 * import { parseKrb5Conf } from "@gssocks/gssocks/kerberos";
 *
 * const config = parseKrb5Conf({ name: "krb5.conf", text: "[libdefaults]\n default_realm = EXAMPLE.COM\n" });
 * if (config.defaultRealm !== "EXAMPLE.COM") throw new Error("not read");
 * ```
 */
export function parseKrb5Conf(...sources: readonly ProfileSource[]): KerberosConfig {
  const profile = parseProfile(...sources);
  const libdefaults = profile.sections.get("libdefaults") ?? emptySection();
  const one = (name: string) => libdefaults.values.get(name)?.[0];
  const flag = (name: string, fallback: boolean) => readBoolean(name, one(name), fallback);
  const duration = (name: string, fallback: number) => {
    const text = one(name);
    return text === undefined ? fallback : parseSpan(name, text);
  };
  const permitted = parseEnctypes(one("permitted_enctypes"), DEFAULT_ENCTYPES);
  return Object.freeze({
    defaultRealm: one("default_realm"),
    realms: readRealms(profile),
    domainRealm: readDomains(profile),
    capaths: readCapaths(profile),
    permittedEnctypes: permitted,
    defaultTktEnctypes: parseEnctypes(one("default_tkt_enctypes"), permitted),
    defaultTgsEnctypes: parseEnctypes(one("default_tgs_enctypes"), permitted),
    clockskew: duration("clockskew", DEFAULT_CONFIG.clockskew),
    ticketLifetime: duration("ticket_lifetime", DEFAULT_CONFIG.ticketLifetime),
    renewLifetime: duration("renew_lifetime", DEFAULT_CONFIG.renewLifetime),
    forwardable: flag("forwardable", false),
    proxiable: flag("proxiable", false),
    canonicalize: flag("canonicalize", false),
    dnsLookupKdc: flag("dns_lookup_kdc", true),
    udpPreferenceLimit: readCount("udp_preference_limit", one("udp_preference_limit")),
    kdcTimesync: one("kdc_timesync") !== "0" && flag("kdc_timesync", true),
    defaultCcacheName: one("default_ccache_name"),
    defaultKeytabName: one("default_keytab_name"),
    profile,
  });
}

function readRealms(profile: ProfileSection): Map<string, RealmConfig> {
  const realms = new Map<string, RealmConfig>();
  for (const [name, section] of profile.sections.get("realms")?.sections ?? []) {
    const list = (...relations: string[]) => relations.flatMap((relation) => hosts(section.values.get(relation) ?? []));
    realms.set(name, {
      kdc: list("kdc"),
      primaryKdc: list("primary_kdc", "master_kdc"),
      kpasswdServer: list("kpasswd_server"),
      adminServer: list("admin_server"),
    });
  }
  return realms;
}

/** Hosts out of the values of one relation; a star behind a value makes it the last. */
function hosts(values: readonly string[]): string[] {
  const last = values.findIndex((value) => value.endsWith("*"));
  const counted = last < 0 ? values : values.slice(0, last + 1);
  return counted.flatMap((value) => value.replace(/\*$/, "").split(/[\s,]+/)).filter((host) => host !== "");
}

function readDomains(profile: ProfileSection): Map<string, string> {
  const domains = new Map<string, string>();
  for (const [domain, [realm]] of profile.sections.get("domain_realm")?.values ?? []) {
    if (realm !== undefined) domains.set(domain.toLowerCase(), realm);
  }
  return domains;
}

/** One realm a value, as MIT has them, or several with blanks between, as Heimdal does. */
function readCapaths(profile: ProfileSection): KerberosConfig["capaths"] {
  const ways = [...profile.sections.get("capaths")?.sections ?? []].map(([client, { values }]) => {
    const realms = [...values].map(([service, between]) =>
      [service, between.flatMap((value) => value.split(/\s+/)).filter((realm) => realm !== "")] as const
    );
    return [client, new Map(realms)] as const;
  });
  return new Map(ways);
}

/** Realm of a host: its own entry, then the nearest domain above it that has one. */
export function realmOfHost(config: KerberosConfig, host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  const exact = config.domainRealm.get(name);
  if (exact !== undefined) return exact;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const realm = config.domainRealm.get(name.slice(dot)) ?? config.domainRealm.get(name.slice(dot + 1));
    if (realm !== undefined) return realm;
  }
  return undefined;
}

function readBoolean(name: string, text: string | undefined, fallback: boolean): boolean {
  if (text === undefined) return fallback;
  if (/^(y|yes|true|t|1|on)$/i.test(text)) return true;
  if (/^(n|no|false|f|nil|0|off|fallback)$/i.test(text)) return false;
  throw new KerberosError("BAD_CONFIG", `Cannot read ${name}: ${JSON.stringify(text)} is neither true nor false`);
}

function readCount(name: string, text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,9}$/.test(text)) {
    throw new KerberosError("BAD_CONFIG", `Cannot read ${name}: ${JSON.stringify(text)} is not a count`);
  }
  return Number(text);
}

/**
 * Reads a list of enctypes in MIT's syntax: names, `aes` for all of them, `DEFAULT`, a minus in front to leave one out.
 * Names of enctypes that this library does not have are passed over.
 *
 * @throws {KerberosError} `BAD_CONFIG` when nothing usable is left.
 */
export function parseEnctypes(text: string | undefined, fallback: readonly number[]): readonly number[] {
  if (text === undefined) return fallback;
  let list: number[] = [];
  for (const item of text.split(/[\s,]+/).filter((word) => word !== "")) {
    const [, sign, name] = /^([+-]?)(.*)$/.exec(item)!;
    const wanted = namedEnctypes(name!.toLowerCase(), fallback);
    if (sign === "-") list = list.filter((enctype) => !wanted.includes(enctype));
    else list.push(...wanted.filter((enctype) => !list.includes(enctype)));
  }
  if (list.length === 0) {
    throw new KerberosError("BAD_CONFIG", `Cannot use enctypes ${JSON.stringify(text)}: none of them is supported`);
  }
  return list;
}

function namedEnctypes(name: string, fallback: readonly number[]): readonly number[] {
  if (name === "default") return fallback;
  if (name === "aes") return [18, 17, 20, 19];
  const enctype = enctypeByName(name);
  return enctype === undefined ? [] : [enctype];
}

/**
 * Reads a duration that says how long something lasts, or how far clocks may be apart, in milliseconds: MIT's syntax has
 * negative ones, and with one of those every ticket would have expired.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseSpan(name: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds >= 0) return 1000 * seconds;
  throw new KerberosError("BAD_CONFIG", `Cannot read ${name}: ${JSON.stringify(text)} is negative`);
}

const UNITS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };

/**
 * Reads a duration in MIT's syntax (`36000`, `10h`, `1d 12h`, `8:30`, `8:30:15`) as seconds.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseDuration(text: string): number {
  const invalid = () => new KerberosError("BAD_CONFIG", `Cannot read duration ${JSON.stringify(text)}`);
  const trimmed = text.trim();
  const clock = /^(\d{1,10}):(\d{1,2})(?::(\d{1,2}))?$/.exec(trimmed);
  let total = 0;
  if (clock !== null) {
    total = Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3] ?? 0);
  } else if (/^\d{1,10}$/.test(trimmed)) {
    total = Number(trimmed);
  } else {
    const parts = /^(?:(-?\d{1,11})\s*d)?\s*(?:(-?\d{1,11})\s*h)?\s*(?:(-?\d{1,11})\s*m)?\s*(?:(-?\d{1,11})\s*s)?$/
      .exec(trimmed);
    if (parts === null || trimmed === "") throw invalid();
    for (const [i, unit] of ["d", "h", "m", "s"].entries()) {
      total += Number(parts[i + 1] ?? 0) * UNITS[unit]!;
      if (Math.abs(total) > 2 ** 31) throw invalid();
    }
  }
  if (total > 2 ** 31 - 1 || total < -(2 ** 31)) throw invalid();
  return total;
}
