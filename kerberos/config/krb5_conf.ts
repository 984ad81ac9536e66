/**
 * Kerberos configuration, typed, with MIT's defaults except the unsafe ones: host names are never canonicalized through the DNS, so
 * that a forged answer cannot choose the service that a client authenticates to.
 *
 * @module
 */
import { DEFAULT_ENCTYPES } from "../crypto/enctypes.ts";
import { emptySection, type ProfileSection } from "./profile.ts";

/** Where a realm's KDCs are. */
export interface RealmConfig {
  /** KDCs as `host`, `host:port`, `[v6]:port`, with `tcp/` or `udp/` in front if only one of them will do. */
  readonly kdc: readonly string[];
  /** KDCs that know every new password at once; they are asked again if another KDC refuses a secret. */
  readonly primaryKdc: readonly string[];
}

/**
 * Configuration of one client or service; nothing is read from anywhere else. Durations are in milliseconds.
 *
 * Where krb5.conf has a value that cannot be used, reading that property throws a `KerberosError` `BAD_CONFIG` with file and line, so
 * that it does no harm to what does not need it.
 */
export interface KerberosConfig {
  /** Realm of names without one. @default {undefined} */
  readonly defaultRealm?: string | undefined;
  /** Realms by name. @default {{}} */
  readonly realms: ReadonlyMap<string, RealmConfig>;
  /** Realm by host name, or by domain with a dot in front. @default {{}} */
  readonly domainRealm: ReadonlyMap<string, string>;
  /**
   * Realms that may vouch on the path from one realm to another, by the client's realm, then by the service's; `.` stands for
   * none. @default {{}}
   */
  readonly capaths: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  /**
   * Enctypes that the session key of a cached ticket-granting ticket may have, in order of preference. They are also the default of
   * the two lists that follow. @default {18, 20, 17, 19}
   */
  readonly permittedEnctypes: readonly number[];
  /** Enctypes requested for initial tickets. */
  readonly defaultTktEnctypes: readonly number[];
  /** Enctypes requested for service tickets. */
  readonly defaultTgsEnctypes: readonly number[];
  /** How far clocks may differ. @default {300000} */
  readonly clockskew: number;
  /** Lifetime requested. @default {86400000} */
  readonly ticketLifetime: number;
  /** Renewable lifetime requested. @default {0} */
  readonly renewLifetime: number;
  /** Whether forwardable initial tickets are requested. @default {false} */
  readonly forwardable: boolean;
  /** Whether proxiable initial tickets are requested. @default {false} */
  readonly proxiable: boolean;
  /** Whether the KDC may replace the client's name by its canonical form. @default {false} */
  readonly canonicalize: boolean;
  /**
   * How many domains above a host's own may name its realm, if neither the configuration nor a KDC does; the host's own domain
   * may always. @default {-1}
   */
  readonly realmTryDomains: number;
  /** Whether KDCs are looked up by SRV records. @default {true} */
  readonly dnsLookupKdc: boolean;
  /** Messages up to this size go over UDP first; 0 for TCP only. @default {0} */
  readonly udpPreferenceLimit: number;
  /** Whether to compensate for the KDC's clock offset. @default {true} */
  readonly kdcTimesync: boolean;
  /** Cache used if none is named. */
  readonly defaultCcacheName?: string | undefined;
  /** Keytab used if none is named. */
  readonly defaultKeytabName?: string | undefined;
  /** Keytab of a client that is used if none is named. */
  readonly defaultClientKeytabName?: string | undefined;
  /** Path of the KCM daemon's socket (`kcm_socket`). @default {"/var/run/.heim_org.h5l.kcm-socket"} */
  readonly kcmSocket?: string | undefined;
  /** Everything that was read, with the relations that have no effect. */
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
  realmTryDomains: -1,
  dnsLookupKdc: true,
  udpPreferenceLimit: 0,
  kdcTimesync: true,
  profile: emptySection(),
});

/** Settings to replace; those that are `undefined` are left as they are. */
type NewSettings = { readonly [K in keyof KerberosConfig]?: KerberosConfig[K] | undefined };

/** A configuration with other settings; one that cannot be used stays so, and is no error here. */
export function withSettings(config: KerberosConfig, settings: NewSettings): KerberosConfig {
  const properties = Object.getOwnPropertyDescriptors(config) as PropertyDescriptorMap;
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined) properties[name] = { value, enumerable: true };
  }
  return Object.freeze(Object.defineProperties({}, properties) as KerberosConfig);
}
