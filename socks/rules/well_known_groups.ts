/**
 * Well-known groups by name (MS-DTYP section 2.4.2.4), as far as a ticket can have them.
 *
 * @module
 */

/** Last part of the SIDs of groups that each domain has. */
const OF_DOMAINS: Readonly<Record<string, number>> = {
  "Enterprise Readonly Domain Controllers": 498,
  "Domain Admins": 512,
  "Domain Users": 513,
  "Domain Guests": 514,
  "Domain Computers": 515,
  "Domain Controllers": 516,
  "Domain Domain Controllers": 516,
  "Cert Publishers": 517,
  "Schema Admins": 518,
  "Schema Administrators": 518,
  "Enterprise Admins": 519,
  "Group Policy Creator Owners": 520,
  "Readonly Domain Controllers": 521,
  "Cloneable Controllers": 522,
  "Protected Users": 525,
  "Key Admins": 526,
  "Enterprise Key Admins": 527,
  "RAS Servers": 553,
  "Allowed RODC Password Replication Group": 571,
  "Denied RODC Password Replication Group": 572,
};

/** SIDs of groups that are the same everywhere. */
const EVERYWHERE: Readonly<Record<string, string>> = {
  "Enterprise Domain Controllers": "S-1-5-9",
  "This Organization": "S-1-5-15",
  "This Organization Certificate": "S-1-5-65-1",
  "Other Organization": "S-1-5-1000",
  "Compounded Authentication": "S-1-5-21-0-0-0-496",
  "Claims Valid": "S-1-5-21-0-0-0-497",
  "Authentication Authority Asserted Identity": "S-1-18-1",
  "Service Asserted Identity": "S-1-18-2",
  "Fresh Public Key Identity": "S-1-18-3",
  "Key Trust Identity": "S-1-18-4",
  "Key Property MFA": "S-1-18-5",
  "Key Property Attestation": "S-1-18-6",
};

/** MS-DTYP writes `DOMAIN_ADMINS`, Windows `Domain Admins`. */
const plain = (name: string) => name.replace(/[\s_-]/g, "").toLowerCase();
const byName = <T>(names: Readonly<Record<string, T>>): ReadonlyMap<string, T> =>
  new Map(Object.entries(names).map(([name, value]) => [plain(name), value]));

const RIDS = byName(OF_DOMAINS);
const SIDS = byName(EVERYWHERE);

/** A group by its well-known name: a SID, or the last part of one in each domain. */
type WellKnownGroup = { readonly sid: string } | { readonly rid: number };

/** Returns the group of a name in any case, with blanks or underscores. */
export function wellKnownGroup(name: string): WellKnownGroup | undefined {
  const [rid, sid] = [RIDS.get(plain(name)), SIDS.get(plain(name))];
  return sid !== undefined ? { sid } : rid !== undefined ? { rid } : undefined;
}
