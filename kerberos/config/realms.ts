/**
 * The sections of krb5.conf about realms: where their KDCs are, which hosts belong to them, and which realms may vouch for which.
 *
 * @module
 */
import type { KerberosConfig, RealmConfig } from "./krb5_conf.ts";
import type { ProfileSection } from "./profile.ts";

/** Reads `[realms]`. */
export function readRealms(profile: ProfileSection): ReadonlyMap<string, RealmConfig> {
  const realms = new Map<string, RealmConfig>();
  for (const [name, section] of profile.sections.get("realms")?.sections ?? []) {
    const hostsOf = (...relations: string[]) =>
      relations.flatMap((relation) => hosts(section.values.get(relation) ?? []));
    realms.set(name, { kdc: hostsOf("kdc"), primaryKdc: hostsOf("primary_kdc", "master_kdc") });
  }
  return realms;
}

/** Hosts in the values of one relation; a star after a value makes it the last one. */
function hosts(values: readonly string[]): string[] {
  const last = values.findIndex((value) => value.endsWith("*"));
  const counted = last < 0 ? values : values.slice(0, last + 1);
  return counted.flatMap((value) => value.replace(/\*$/, "").split(/[\s,]+/)).filter((host) => host !== "");
}

/** Reads `[domain_realm]`. */
export function readDomains(profile: ProfileSection): ReadonlyMap<string, string> {
  const domains = new Map<string, string>();
  for (const [domain, [realm]] of profile.sections.get("domain_realm")?.values ?? []) {
    if (realm !== undefined) domains.set(domain.toLowerCase(), realm);
  }
  return domains;
}

/** Reads `[capaths]`: one realm in each value, as MIT has them, or several with blanks between, as Heimdal does. */
export function readCapaths(profile: ProfileSection): KerberosConfig["capaths"] {
  const paths = [...profile.sections.get("capaths")?.sections ?? []].map(([client, { values }]) => {
    const realms = [...values].map(([service, between]) =>
      [service, between.flatMap((value) => value.split(/\s+/)).filter((realm) => realm !== "")] as const
    );
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
