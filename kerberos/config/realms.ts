/**
 * The sections of krb5.conf about realms: where their KDCs are, which hosts belong to them, and which realms may vouch for which.
 *
 * @module
 */
import type { KerberosConfig, RealmConfig } from "./krb5_conf.ts";
import { placedValues, type ProfilePlace, type ProfileSection, sectionAt } from "./profile.ts";

/** Reads `[realms]`. */
export function readRealms(profile: ProfileSection): ReadonlyMap<string, RealmConfig> {
  const realms = new Map<string, RealmConfig>();
  for (const name of profile.sections.get("realms")?.sections.keys() ?? []) {
    const hostsOf = (relation: "kdc" | "primary_kdc") => placedHosts(profile, name, relation).map(({ text }) => text);
    realms.set(name, { kdc: hostsOf("kdc"), primaryKdc: hostsOf("primary_kdc") });
  }
  return realms;
}

/** A host with its place. */
export interface PlacedHost {
  /** As krb5.conf has it. */
  readonly text: string;
  /** Where it stands; `undefined` if that is not known. */
  readonly place: ProfilePlace | undefined;
}

/**
 * Hosts that a relation of a realm names: several in one value, and none after a value with a star. Without a `primary_kdc` its old
 * name `master_kdc` counts.
 */
export function placedHosts(profile: ProfileSection, realm: string, relation: "kdc" | "primary_kdc"): PlacedHost[] {
  const section = sectionAt(profile, "realms", realm);
  const own = placedValues(section, relation);
  const values = own.length === 0 && relation === "primary_kdc" ? placedValues(section, "master_kdc") : own;
  const last = values.findIndex(({ text }) => text.endsWith("*"));
  return (last < 0 ? values : values.slice(0, last + 1)).flatMap(({ text, place }) =>
    text.replace(/\*$/, "").split(/[\s,]+/).filter((host) => host !== "").map((host) => ({ text: host, place }))
  );
}

/** Reads `[domain_realm]`. */
export function readDomains(profile: ProfileSection): ReadonlyMap<string, string> {
  const domains = new Map<string, string>();
  const section = profile.sections.get("domain_realm");
  for (const domain of section?.values.keys() ?? []) {
    const [realm] = placedValues(section, domain);
    const lower = domain.toLowerCase();
    // MIT knows names in small letters only, so one of those counts first.
    if (realm !== undefined && (domain === lower || !domains.has(lower))) domains.set(lower, realm.text);
  }
  return domains;
}

/** Reads `[capaths]`: one realm in each value, as MIT has them, or several with blanks between, as Heimdal does. */
export function readCapaths(profile: ProfileSection): KerberosConfig["capaths"] {
  const paths = [...profile.sections.get("capaths")?.sections ?? []].map(([client, section]) => {
    const realms = [...section.values.keys()].map((service) => {
      const between = placedValues(section, service).map(({ text }) => text);
      return [service, between.flatMap((value) => value.split(/\s+/)).filter((realm) => realm !== "")] as const;
    });
    return [client, new Map(realms)] as const;
  });
  return new Map(paths);
}

/** Realm of a host: its own entry, then the nearest domain above it that has one. */
export function realmOfHost({ domainRealm }: Pick<KerberosConfig, "domainRealm">, host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  const exact = domainRealm.get(name);
  if (exact !== undefined) return exact;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const realm = domainRealm.get(name.slice(dot)) ?? domainRealm.get(name.slice(dot + 1));
    if (realm !== undefined) return realm;
  }
  return undefined;
}

/**
 * Realms that a host may be in if nobody says which: its domain in capital letters, then as many of the domains above that as
 * `realm_try_domains` has. A host without a domain, or an address, has none.
 */
export function fallbackRealms({ realmTryDomains }: Pick<KerberosConfig, "realmTryDomains">, host: string): string[] {
  const labels = host.toUpperCase().replace(/\.$/, "").split(".");
  if (host.includes(":") || /^\d*$/.test(labels.at(-1)!)) return [];
  const realms: string[] = [];
  for (let from = 1; from < labels.length && realms.length <= Math.max(0, realmTryDomains); from++) {
    realms.push(labels.slice(from).join("."));
  }
  return realms;
}
