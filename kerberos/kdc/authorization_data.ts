/**
 * Authorization data of a ticket that the embedded KDC issues (RFC 4120 sections 3.3.3 and 5.2.6).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { KerberosError } from "../errors.ts";
import { AuthorizationData, type AuthorizationDataElement, type EncryptedData } from "../messages/basic.ts";
import type { KdcReqBody } from "../messages/kdc.ts";
import { readMessage } from "../messages/read.ts";
import { AdType } from "../registry/ad_types.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { Refusal } from "./refusal.ts";
import type { PresentedTicket } from "./tgs_request.ts";

/**
 * Returns the ticket's data (section 3.3.3) and what the client adds, which is sealed for the KDC (section 5.4.1).
 *
 * @throws {Refusal} Some of it is mandatory for the KDC (section 5.2.6.4): this one understands none.
 */
export async function authorizationOf(
  body: KdcReqBody,
  presented: PresentedTicket,
): Promise<readonly AuthorizationDataElement[] | undefined> {
  const { authorizationData } = presented.part;
  const added = await addedAuthorization(body, presented);
  const all = added === undefined ? authorizationData : [...authorizationData ?? [], ...added];
  const mandatory = all?.filter(({ adType }) => adType === AdType.MandatoryForKdc) ?? [];
  if (mandatory.some(({ adData }) => readMessage(AuthorizationData, adData).length > 0)) {
    throw new Refusal("KDC_ERR_POLICY");
  }
  return all;
}

async function addedAuthorization(
  { encAuthorizationData }: KdcReqBody,
  { sessionKey, subkey }: PresentedTicket,
): Promise<readonly AuthorizationDataElement[] | undefined> {
  if (encAuthorizationData === undefined) return undefined;
  const usage = subkey === undefined ? KeyUsage.TgsReqAuthDataSessionKey : KeyUsage.TgsReqAuthDataSubkey;
  const plain = await openSealed(subkey ?? sessionKey, usage, encAuthorizationData);
  return readMessage(AuthorizationData, plain);
}

/** Opens a sealed part of a request, or refuses the request. */
async function openSealed(key: KerberosKey, usage: number, sealed: EncryptedData): Promise<Bytes> {
  if (sealed.etype !== key.enctype) throw new Refusal("KRB_AP_ERR_BAD_INTEGRITY");
  try {
    return await key.decrypt(usage, sealed.cipher);
  } catch (error) {
    if (error instanceof KerberosError) throw new Refusal("KRB_AP_ERR_BAD_INTEGRITY");
    throw error;
  }
}
