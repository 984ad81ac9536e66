/**
 * Privilege attribute certificates of the embedded KDC (MS-PAC): made in the initial ticket, signed again for the service of each
 * ticket that follows. It makes the signatures of server and KDC, filters no SIDs of other realms, and makes no claims.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { type Bytes, ByteWriter } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import type { EncTicketPart } from "../messages/ap.ts";
import { AuthorizationData, type AuthorizationDataElement } from "../messages/basic.ts";
import { readMessage } from "../messages/read.ts";
import { pacsIn } from "../pac/account.ts";
import { writeClientInfo } from "../pac/client_info.ts";
import { type PacBuffer, PacType, readPacBuffers } from "../pac/container.ts";
import { writeLogonInfo } from "../pac/logon_info.ts";
import { sidBytes } from "../pac/sid.ts";
import { verifyServerSignature } from "../pac/signature.ts";
import { writeUpnDnsInfo } from "../pac/upn_dns_info.ts";
import type { KerberosKey } from "../crypto/key.ts";
import type { Principal } from "../principal.ts";
import { AdType } from "../registry/ad_types.ts";
import type { KdcPrincipal } from "./principals.ts";
import { Refusal } from "./refusal.ts";

/** Returns the contents of the PAC in an initial ticket; `undefined` for a principal without an account. */
export function initialPac(
  { pac, name: stored }: KdcPrincipal,
  client: Principal,
  authtime: number,
): readonly PacBuffer[] | undefined {
  if (pac === undefined) return undefined;
  const { sid, account = stored.components[0]!, domain = stored.realm.split(".")[0]!, groups = [] } = pac;
  const primaryGroupId = pac.primaryGroupId ?? 513;
  const upn = pac.upn ?? `${account}@${stored.realm.toLowerCase()}`;
  return [
    {
      type: PacType.LogonInfo,
      data: writeLogonInfo({ account, domain, sid, primaryGroupId, groups, server: "KDC" }),
    },
    { type: PacType.ClientInfo, data: writeClientInfo({ name: client.components.join("/"), authtime }) },
    { type: PacType.UpnDnsInfo, data: writeUpnDnsInfo({ upn, dnsDomain: stored.realm, sam: { account, sid } }) },
    { type: PacType.Attributes, data: new ByteWriter().u32(2, true).u32(GIVEN_IMPLICITLY, true).finish() },
    { type: PacType.Requestor, data: sidBytes(sid) },
  ];
}

/** Two bits of flags, PAC_WAS_GIVEN_IMPLICITLY (MS-PAC section 2.14). */
const GIVEN_IMPLICITLY = 2;
const SIGNATURES: readonly number[] = [
  PacType.ServerSignature,
  PacType.KdcSignature,
  PacType.TicketSignature,
  PacType.FullSignature,
];

/**
 * Returns the contents of the PAC in a ticket that is presented, without its signatures.
 *
 * @throws {Refusal} Its signature is not genuine.
 */
export async function presentedPac(part: EncTicketPart, key: KerberosKey): Promise<readonly PacBuffer[] | undefined> {
  const [pac] = pacsIn(part.authorizationData);
  if (pac === undefined) return undefined;
  try {
    const buffers = readPacBuffers(pac);
    await verifyServerSignature(pac, buffers, key);
    return buffers.filter(({ type }) => !SIGNATURES.includes(type));
  } catch (error) {
    const foreign = error instanceof KerberosError || error instanceof RangeError;
    throw foreign ? new Refusal("KRB_AP_ERR_MODIFIED") : error;
  }
}

/** Returns a PAC as authorization data that those who do not know it pass over. */
export function pacElement(adData: Bytes): AuthorizationDataElement {
  return { adType: AdType.IfRelevant, adData: encode(AuthorizationData, [{ adType: AdType.Win2kPac, adData }]) };
}

/** Returns authorization data without PACs: a client may add data to a ticket, and only the KDC says who it is. */
export function withoutPacs(
  data: readonly AuthorizationDataElement[] | undefined,
): readonly AuthorizationDataElement[] | undefined {
  if (pacsIn(data).length === 0) return data;
  const kept = data!.flatMap((element) => {
    if (pacsIn([element]).length === 0) return [element];
    if (element.adType === AdType.Win2kPac) return [];
    const rest = readMessage(AuthorizationData, element.adData).filter(({ adType }) => adType !== AdType.Win2kPac);
    return rest.length === 0 ? [] : [{ ...element, adData: encode(AuthorizationData, rest) }];
  });
  return kept.length === 0 ? undefined : kept;
}
