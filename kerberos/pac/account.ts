/**
 * Who the client of a ticket is by its PAC. What a KDC writes into a ticket is believed only after the server signature was
 * verified and the PAC was found to be of this very ticket; otherwise nothing of it is used.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { GssAccount } from "../../gss/account.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { KerberosError } from "../errors.ts";
import type { EncTicketPart } from "../messages/ap.ts";
import { AuthorizationData, type AuthorizationDataElement } from "../messages/basic.ts";
import { readMessage } from "../messages/read.ts";
import { AdType } from "../registry/ad_types.ts";
import { isAbout, readClientInfo } from "./client_info.ts";
import { bufferOf, PacType, readPacBuffers } from "./container.ts";
import { readLogonInfo } from "./logon_info.ts";
import { verifyServerSignature } from "./signature.ts";
import { readUpnDnsInfo } from "./upn_dns_info.ts";

/** What a ticket says about the account of its client. */
export type AccountFinding =
  /** Nothing: it has no PAC, or one without an account. */
  | { readonly state: "absent" }
  | { readonly state: "verified"; readonly account: GssAccount }
  /** A PAC that is not believed, and why. */
  | { readonly state: "unverified"; readonly reason: string };

/** Finds the account of a ticket's client. `key` is the one that opened the ticket. Never rejects because of the ticket. */
export async function accountOf(part: EncTicketPart, key: KerberosKey): Promise<AccountFinding> {
  try {
    const [pac, another] = pacsIn(part.authorizationData);
    if (pac === undefined) return { state: "absent" };
    if (another !== undefined) return { state: "unverified", reason: "the ticket has more than one" };
    const account = await verifiedAccount(pac, part, key);
    return account === undefined ? { state: "absent" } : { state: "verified", account };
  } catch (error) {
    if (error instanceof KerberosError) return { state: "unverified", reason: error.message };
    if (error instanceof RangeError) return { state: "unverified", reason: "it is cut off" };
    throw error;
  }
}

/** Returns the PACs of a ticket: elements of its authorization data, also in AD-IF-RELEVANT (RFC 4120 section 5.2.6.1). */
export function pacsIn(data: readonly AuthorizationDataElement[] | undefined): readonly Bytes[] {
  return (data ?? []).flatMap(({ adType, adData }) =>
    adType === AdType.IfRelevant ? elementsOf(adData) : [{ adType, adData }]
  ).filter(({ adType }) => adType === AdType.Win2kPac).map(({ adData }) => adData);
}

/** Elements in an AD-IF-RELEVANT; one that cannot be read is not relevant. */
function elementsOf(adData: Bytes): readonly AuthorizationDataElement[] {
  try {
    return readMessage(AuthorizationData, adData);
  } catch (error) {
    if (error instanceof KerberosError) return [];
    throw error;
  }
}

/** Reads a PAC after its signature was verified. */
async function verifiedAccount(pac: Bytes, part: EncTicketPart, key: KerberosKey): Promise<GssAccount | undefined> {
  const buffers = readPacBuffers(pac);
  await verifyServerSignature(pac, buffers, key);
  const [client, logon, names] = [PacType.ClientInfo, PacType.LogonInfo, PacType.UpnDnsInfo].map((type) =>
    bufferOf(buffers, type)?.data
  );
  if (client === undefined || !isAbout(readClientInfo(client), part.cname, part.authtime)) {
    throw new KerberosError("BAD_MESSAGE", "it is that of another client or another login");
  }
  // Other KDCs than those of a directory sign PACs without an account.
  if (logon === undefined) return undefined;
  const { account, domain, sid, primaryGroup, groups } = readLogonInfo(logon);
  const { upn, dnsDomain, sam } = names === undefined
    ? {} as Partial<ReturnType<typeof readUpnDnsInfo>>
    : readUpnDnsInfo(names);
  if (sam !== undefined && (sam.sid !== sid || sam.account !== account)) {
    throw new KerberosError("BAD_MESSAGE", "its parts name two accounts");
  }
  return Object.freeze({
    name: account,
    domain,
    realm: part.crealm,
    dnsDomain: dnsDomain || undefined,
    upn: upn || undefined,
    sid,
    primaryGroup,
    groups: Object.freeze(groups),
  });
}
