/**
 * The embedded KDC's ticket-granting service (RFC 4120 section 3.3.2 to 3.3.3), with referrals to trusted realms
 * (RFC 6806 section 8), renewal and forwarding.
 *
 * @module
 */
import { encode } from "../../gss/asn1.ts";
import { type Bytes, concat, EMPTY, utf8 } from "../../gss/bytes.ts";
import { readMessage } from "../client/exchange.ts";
import { KdcOption, KeyUsage, PaType, TicketFlag } from "../constants.ts";
import { KerberosKey } from "../crypto/key.ts";
import { KerberosError } from "../errors.ts";
import { ApReq, Authenticator, EncTicketPart, type Ticket } from "../messages/ap.ts";
import { EncTgsRepPart, type KdcReq, KdcReqBody, TgsRep } from "../messages/kdc.ts";
import { fromPrincipalName, krbtgt, type Principal, samePrincipal } from "../principal.ts";
import { KDC_SKEW } from "./as.ts";
import { issue } from "./issue.ts";
import type { KdcPrincipal, KdcRealm } from "./realm.ts";
import { Refusal } from "./refusal.ts";

interface Presented {
  readonly ticket: Ticket;
  readonly part: EncTicketPart;
  readonly sessionKey: KerberosKey;
  readonly subkey: KerberosKey | undefined;
}

/** Answers a TGS-REQ. */
export async function handleTgsReq(realm: KdcRealm, request: KdcReq): Promise<Bytes> {
  const { reqBody: body } = request;
  const presented = await openPresented(realm, request);
  const { part } = presented;
  if ((body.kdcOptions & (KdcOption.EncTktInSkey | KdcOption.Validate | KdcOption.Proxy)) !== 0) {
    throw new Refusal("KDC_ERR_BADOPTION");
  }
  const renewing = (body.kdcOptions & KdcOption.Renew) !== 0;
  if (renewing) checkRenewal(realm, part);
  const forwarding = (body.kdcOptions & (KdcOption.Forwarded | KdcOption.Forwardable)) !== 0;
  if ((body.kdcOptions & KdcOption.Forwarded) !== 0 && (part.flags & TicketFlag.Forwardable) === 0) {
    throw new Refusal("KDC_ERR_BADOPTION");
  }
  const lifetime = part.endtime - (part.starttime ?? part.authtime);
  const { ticket, part: granted } = await issue({
    realm,
    body: renewing
      ? { ...body, till: realm.now() + lifetime, kdcOptions: body.kdcOptions | KdcOption.Renewable }
      : body,
    client: fromPrincipalName(part.cname, part.crealm),
    service: findService(realm, body),
    flags: (part.flags & (TicketFlag.PreAuthent | TicketFlag.HwAuthent | TicketFlag.Forwarded)) |
      TicketFlag.TransitedPolicyChecked,
    allowedFlags: (part.flags & (TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.Renewable)) |
      (forwarding ? TicketFlag.Forwarded : 0),
    authtime: part.authtime,
    latestEnd: renewing ? part.renewTill! : part.endtime,
    latestRenewal: part.renewTill ?? 0,
    transited: transited(realm, presented),
    authorizationData: part.authorizationData,
  });
  const key = presented.subkey ?? presented.sessionKey;
  const usage = presented.subkey === undefined ? KeyUsage.TgsRepEncPartSessionKey : KeyUsage.TgsRepEncPartSubkey;
  return encode(TgsRep, {
    pvno: 5,
    msgType: 13,
    crealm: part.crealm,
    cname: part.cname,
    ticket,
    encPart: { etype: key.enctype, cipher: await key.encrypt(usage, encode(EncTgsRepPart, granted), realm.runtime) },
  });
}

/** Section 3.3.2: the ticket-granting ticket, its authenticator, and the checksum over the request. */
async function openPresented(realm: KdcRealm, request: KdcReq): Promise<Presented> {
  const padata = request.padata?.find(({ padataType }) => padataType === PaType.TgsReq);
  if (padata === undefined) throw new Refusal("KDC_ERR_PADATA_TYPE_NOSUPP");
  const { ticket, authenticator: sealed } = readMessage(ApReq, padata.padataValue);
  const service = fromPrincipalName(ticket.sname, ticket.realm);
  const own = realm.find(service);
  // Only ticket-granting services of this realm: its own, and the far ends of trusts.
  if (own === undefined || !samePrincipal(service, krbtgt(realm.name, service.realm))) {
    throw new Refusal("KRB_AP_ERR_NOT_US");
  }
  const key = own.keys.find(({ enctype }) => enctype === ticket.encPart.etype);
  if (key === undefined) throw new Refusal("KRB_AP_ERR_BADKEYVER");
  const part = readMessage(EncTicketPart, await open(key, KeyUsage.KdcRepTicket, ticket.encPart.cipher));
  const sessionKey = new KerberosKey(part.key.keytype, part.key.keyvalue);
  const authenticator = readMessage(Authenticator, await open(sessionKey, KeyUsage.TgsReqAuthenticator, sealed.cipher));
  const now = realm.now();
  if (part.endtime + KDC_SKEW < now) throw new Refusal("KRB_AP_ERR_TKT_EXPIRED");
  if (Math.abs(authenticator.ctime - now) > KDC_SKEW) throw new Refusal("KRB_AP_ERR_SKEW");
  const client = fromPrincipalName(part.cname, part.crealm);
  if (!samePrincipal(client, fromPrincipalName(authenticator.cname, authenticator.crealm))) {
    throw new Refusal("KRB_AP_ERR_BADMATCH");
  }
  const body = encode(KdcReqBody, request.reqBody);
  const { cksum } = authenticator;
  const genuine = cksum !== undefined && cksum.cksumtype === sessionKey.checksumType &&
    await sessionKey.verifyChecksum(KeyUsage.TgsReqAuthenticatorChecksum, body, cksum.checksum);
  if (!genuine) throw new Refusal("KRB_AP_ERR_MODIFIED");
  const { subkey } = authenticator;
  return { ticket, part, sessionKey, subkey: subkey && new KerberosKey(subkey.keytype, subkey.keyvalue) };
}

async function open(key: KerberosKey, usage: number, cipher: Bytes): Promise<Bytes> {
  try {
    return await key.decrypt(usage, cipher);
  } catch (error) {
    if (error instanceof KerberosError) throw new Refusal("KRB_AP_ERR_BAD_INTEGRITY");
    throw error;
  }
}

/** The service, or the ticket-granting service of the realm that it is in. */
function findService(realm: KdcRealm, body: KdcReqBody): KdcPrincipal {
  if (body.sname === undefined) throw new Refusal("KDC_ERR_S_PRINCIPAL_UNKNOWN");
  const wanted = fromPrincipalName(body.sname, realm.name);
  const found = realm.find(wanted) ?? referred(realm, body, wanted);
  if (found === undefined) throw new Refusal("KDC_ERR_S_PRINCIPAL_UNKNOWN");
  return found;
}

function referred(realm: KdcRealm, body: KdcReqBody, wanted: Principal): KdcPrincipal | undefined {
  const host = wanted.components[1];
  if (host === undefined || (body.kdcOptions & KdcOption.Canonicalize) === 0) return undefined;
  const target = realm.referralFor(host);
  return target === undefined ? undefined : realm.find(krbtgt(target, realm.name));
}

function checkRenewal(realm: KdcRealm, part: EncTicketPart): void {
  if ((part.flags & TicketFlag.Renewable) === 0 || part.renewTill === undefined) throw new Refusal("KDC_ERR_BADOPTION");
  if (part.renewTill < realm.now()) throw new Refusal("KRB_AP_ERR_TKT_EXPIRED");
}

/** Section 3.3.3.2: the realm that vouched for the client joins those on its way, unless it is the client's own. */
function transited(realm: KdcRealm, { ticket, part }: Presented): Bytes {
  const from = ticket.realm;
  if (from === realm.name || from === part.crealm) return part.transited.contents;
  const separator = part.transited.contents.length === 0 ? EMPTY : utf8(",");
  return concat(part.transited.contents, separator, utf8(from));
}
