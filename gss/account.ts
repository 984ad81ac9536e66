/**
 * The account of a directory that the peer of a context is.
 *
 * @module
 */

/**
 * An account of a directory, such as Active Directory, as the mechanism verified it. SIDs are texts in the form of MS-DTYP
 * section 2.4.2.1, `S-1-5-21-…`.
 */
export interface GssAccount {
  /** Name as the directory has it stored (sAMAccountName), however the user spells it. */
  readonly name: string;
  /** Short name of its domain (NetBIOS), such as `CORP`. */
  readonly domain: string;
  /** Realm of the client, which is the DNS name of its domain in Active Directory. */
  readonly realm: string;
  /** DNS name of its domain, if the directory tells it. */
  readonly dnsDomain?: string | undefined;
  /** User principal name, such as `alice@corp.example`, if the directory tells it. */
  readonly upn?: string | undefined;
  /** SID of the account. */
  readonly sid: string;
  /** SID of its primary group. */
  readonly primaryGroup: string;
  /** SIDs of all its groups, the primary one among them. */
  readonly groups: readonly string[];
}

/** Returns the account as Windows writes it, `DOMAIN\\name`. */
export function accountName({ domain, name }: Pick<GssAccount, "domain" | "name">): string {
  return `${domain}\\${name}`;
}
