/**
 * Reads the text of krb5.conf. Relations that are not known here are kept in {@linkcode KerberosConfig.profile} and have no effect.
 *
 * @module
 */
import { DEFAULT_ENCTYPES } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";
import { parseEnctypes } from "./enctype_list.ts";
import { DEFAULT_CONFIG, type KerberosConfig } from "./krb5_conf.ts";
import { placedValues, placeText, type ProfileSection, type ProfileSource } from "./profile.ts";
import { readProfile } from "./profile_reader.ts";
import { readCapaths, readDomains, readRealms } from "./realms.ts";
import { parseBoolean, parseInteger, parseSize, parseSpan, parseSwitch } from "./values.ts";

/**
 * Reads the text of krb5.conf files; the first one has precedence. A value that cannot be used, such as a duration that is none, is
 * an error only where it is needed: reading that property of the result throws, with file and line.
 *
 * @throws {KerberosError} `BAD_CONFIG`, with file and line, if the syntax is wrong.
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
  return configOf(readProfile(...sources).profile);
}

/** Settings of `[libdefaults]`: name of the relation, and how it is read. */
type Settings = Omit<KerberosConfig, "realms" | "domainRealm" | "capaths" | "profile">;

/** Reads one setting; `name` is for messages. */
type Reader<T> = (name: string, text: string) => T;

/** A relation of `[libdefaults]` that has an effect. */
export interface Relation<T = unknown> {
  /** Name in krb5.conf. */
  readonly relation: string;
  /** Reads its value; throws for one that cannot be used. */
  readonly read: Reader<T>;
}

const text: Reader<string> = (_, value) => value;

/** The relations of `[libdefaults]` that have an effect, by the property that they set. */
export const RELATIONS: { readonly [K in keyof Settings]-?: Relation<Settings[K]> } = {
  defaultRealm: { relation: "default_realm", read: text },
  permittedEnctypes: { relation: "permitted_enctypes", read: parseEnctypes },
  defaultTktEnctypes: { relation: "default_tkt_enctypes", read: parseEnctypes },
  defaultTgsEnctypes: { relation: "default_tgs_enctypes", read: parseEnctypes },
  clockskew: { relation: "clockskew", read: parseSpan },
  ticketLifetime: { relation: "ticket_lifetime", read: parseSpan },
  renewLifetime: { relation: "renew_lifetime", read: parseSpan },
  forwardable: { relation: "forwardable", read: parseBoolean },
  proxiable: { relation: "proxiable", read: parseBoolean },
  canonicalize: { relation: "canonicalize", read: parseBoolean },
  realmTryDomains: { relation: "realm_try_domains", read: parseInteger },
  dnsLookupKdc: { relation: "dns_lookup_kdc", read: parseBoolean },
  udpPreferenceLimit: {
    relation: "udp_preference_limit",
    read: (name, value) => parseSize(name, value, DEFAULT_CONFIG.udpPreferenceLimit),
  },
  kdcTimesync: { relation: "kdc_timesync", read: parseSwitch },
  defaultCcacheName: { relation: "default_ccache_name", read: text },
  defaultKeytabName: { relation: "default_keytab_name", read: text },
  defaultClientKeytabName: { relation: "default_client_keytab_name", read: text },
  kcmSocket: { relation: "kcm_socket", read: text },
};

/** The configuration that a profile gives. */
export function configOf(profile: ProfileSection): KerberosConfig {
  const libdefaults = profile.sections.get("libdefaults");
  const setting = <K extends keyof Settings>(key: K, fallback: () => Settings[K]) => (): Settings[K] => {
    const { relation, read } = RELATIONS[key] as Relation<Settings[K]>;
    const [found] = placedValues(libdefaults, relation);
    if (found === undefined) return fallback();
    const { place } = found;
    return read(place === undefined ? relation : `${relation} in ${placeText(place)}`, found.text);
  };
  const plain = <K extends keyof Settings>(key: K) => setting(key, () => DEFAULT_CONFIG[key]);
  const permitted = setting("permittedEnctypes", () => DEFAULT_ENCTYPES);
  return lazily({
    defaultRealm: plain("defaultRealm"),
    realms: () => readRealms(profile),
    domainRealm: () => readDomains(profile),
    capaths: () => readCapaths(profile),
    permittedEnctypes: permitted,
    defaultTktEnctypes: setting("defaultTktEnctypes", permitted),
    defaultTgsEnctypes: setting("defaultTgsEnctypes", permitted),
    clockskew: plain("clockskew"),
    ticketLifetime: plain("ticketLifetime"),
    renewLifetime: plain("renewLifetime"),
    forwardable: plain("forwardable"),
    proxiable: plain("proxiable"),
    canonicalize: plain("canonicalize"),
    realmTryDomains: plain("realmTryDomains"),
    dnsLookupKdc: plain("dnsLookupKdc"),
    udpPreferenceLimit: plain("udpPreferenceLimit"),
    kdcTimesync: plain("kdcTimesync"),
    defaultCcacheName: plain("defaultCcacheName"),
    defaultKeytabName: plain("defaultKeytabName"),
    defaultClientKeytabName: plain("defaultClientKeytabName"),
    kcmSocket: plain("kcmSocket"),
    profile: () => profile,
  });
}

/** An object of what the readers return. Where one throws, reading that property does. */
function lazily<T extends object>(readers: { readonly [K in keyof T]-?: () => T[K] }): T {
  const properties: PropertyDescriptorMap = {};
  for (const [name, read] of Object.entries<() => unknown>(readers)) {
    properties[name] = { enumerable: true, ...valueOrGetter(read) };
  }
  return Object.freeze(Object.defineProperties({}, properties) as T);
}

function valueOrGetter(read: () => unknown): PropertyDescriptor {
  try {
    return { value: read() };
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error;
    // A new error each time, so that its stack tells who needed the value.
    return { get: read };
  }
}
