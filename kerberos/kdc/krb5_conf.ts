/**
 * krb5.conf for clients of the embedded KDC.
 *
 * @module
 */

/** A realm and the addresses at which clients reach its KDC. */
interface ReachableRealm {
  /** Name of the realm. */
  readonly realm: string;
  /** Addresses of the KDC, best first. */
  readonly addresses: readonly string[];
  /** Port of the KDC. */
  readonly port: number;
}

/** Returns the text of a krb5.conf for clients of a realm. */
export function krb5ConfFor({ realm, addresses, port }: ReachableRealm): string {
  const kdcs = addresses.map((address) =>
    `        kdc = ${address.includes(":") ? `[${address}]` : address}:${port}\n`
  );
  return `[libdefaults]
    default_realm = ${realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
[realms]
    ${realm} = {\n${kdcs.join("")}    }
[domain_realm]
    localhost = ${realm}
`;
}
