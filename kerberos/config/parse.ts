/**
 * Reads the text of krb5.conf. Relations that are not known here are kept in {@linkcode KerberosConfig.profile} and have no effect.
 *
 * @module
 */
import { DEFAULT_ENCTYPES } from "../crypto/enctypes.ts";
import { DEFAULT_CONFIG, type KerberosConfig } from "./krb5_conf.ts";
import { emptySection, parseProfile, type ProfileSource } from "./profile.ts";
import { readCapaths, readDomains, readRealms } from "./realms.ts";
import { parseBoolean, parseCount, parseEnctypes, parseSpan } from "./values.ts";

/**
 * Reads the text of krb5.conf files; the first one has precedence.
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
  const text = (name: string) => libdefaults.values.get(name)?.[0];
  const value = <T>(name: string, parse: (name: string, text: string) => T, fallback: T): T => {
    const found = text(name);
    return found === undefined ? fallback : parse(name, found);
  };
  const permitted = parseEnctypes(text("permitted_enctypes"), DEFAULT_ENCTYPES);
  return Object.freeze({
    defaultRealm: text("default_realm"),
    realms: readRealms(profile),
    domainRealm: readDomains(profile),
    capaths: readCapaths(profile),
    permittedEnctypes: permitted,
    defaultTktEnctypes: parseEnctypes(text("default_tkt_enctypes"), permitted),
    defaultTgsEnctypes: parseEnctypes(text("default_tgs_enctypes"), permitted),
    clockskew: value("clockskew", parseSpan, DEFAULT_CONFIG.clockskew),
    ticketLifetime: value("ticket_lifetime", parseSpan, DEFAULT_CONFIG.ticketLifetime),
    renewLifetime: value("renew_lifetime", parseSpan, DEFAULT_CONFIG.renewLifetime),
    forwardable: value("forwardable", parseBoolean, DEFAULT_CONFIG.forwardable),
    proxiable: value("proxiable", parseBoolean, DEFAULT_CONFIG.proxiable),
    canonicalize: value("canonicalize", parseBoolean, DEFAULT_CONFIG.canonicalize),
    dnsLookupKdc: value("dns_lookup_kdc", parseBoolean, DEFAULT_CONFIG.dnsLookupKdc),
    udpPreferenceLimit: value("udp_preference_limit", parseCount, DEFAULT_CONFIG.udpPreferenceLimit),
    kdcTimesync: value("kdc_timesync", parseBoolean, DEFAULT_CONFIG.kdcTimesync),
    defaultCcacheName: text("default_ccache_name"),
    defaultKeytabName: text("default_keytab_name"),
    defaultClientKeytabName: text("default_client_keytab_name"),
    kcmSocket: text("kcm_socket"),
    profile,
  });
}
