/**
 * What the embedded KDC's ticket-granting service is shown: the ticket, its authenticator, and what that says of the request
 * (RFC 4120 section 3.3.2).
 *
 * @module
 */
import type { Codec } from "../../asn1/codec.ts";
import { anyElement, application, explicit, integer, optional, sequence } from "../../asn1/types.ts";
import type { Bytes } from "../../base/bytes.ts";
import { readMessage } from "../messages/read.ts";
import type { KerberosErrorName } from "../registry/errors.ts";
import { TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import { KerberosKey } from "../crypto/key.ts";
import { isSupported } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";
import { ApReq, Authenticator, EncTicketPart } from "../messages/ap.ts";
import { type EncryptedData, MethodData, type PaData, Pvno } from "../messages/basic.ts";
import type { KdcReq } from "../messages/kdc.ts";
import { fromPrincipalName, isWhole, krbtgt, type Principal, samePrincipal } from "../principal.ts";
import { KDC_SKEW } from "./clock_skew.ts";
import type { KdcPrincipal } from "./principals.ts";
import type { KdcRealm } from "./realm.ts";
import { Refusal } from "./refusal.ts";
import { digestOf } from "./seen_requests.ts";

/** A ticket-granting ticket that was found genuine, with what came along. */
export interface Presented {
  /** Ticket-granting service that it is for, as the key says that opened it. */
  readonly service: Principal;
  readonly part: EncTicketPart;
  readonly sessionKey: KerberosKey;
  readonly subkey: KerberosKey | undefined;
}

/** Opens and checks what a TGS-REQ shows. */
export async function openPresented(realm: KdcRealm, request: KdcReq, message: Bytes): Promise<Presented> {
  const padata = request.padata?.find(({ padataType }) => padataType === PaType.TgsReq);
  if (padata === undefined) throw new Refusal("KDC_ERR_PADATA_TYPE_NOSUPP");
  const { ticket, authenticator: sealed } = readMessage(ApReq, padata.padataValue);
  const own = grantingService(realm, fromPrincipalName(ticket.sname, ticket.realm));
  const key = own.keys.find(({ enctype }) => enctype === ticket.encPart.etype);
  if (key === undefined) throw new Refusal("KRB_AP_ERR_BADKEYVER");
  const part = readMessage(EncTicketPart, await openSealed(key, KeyUsage.KdcRepTicket, ticket.encPart));
  const sessionKey = new KerberosKey(part.key.keytype, part.key.keyvalue);
  const plain = await openSealed(sessionKey, KeyUsage.TgsReqAuthenticator, sealed);
  const authenticator = readMessage(Authenticator, plain);
  checkTicket(realm, own, part);
  checkSender(realm, part, authenticator);
  await checkRequest(realm, { authenticator, cipher: sealed.cipher, sessionKey, message });
  const { subkey } = authenticator;
  if (subkey !== undefined && !isSupported(subkey.keytype)) throw new Refusal("KDC_ERR_ETYPE_NOSUPP");
  return {
    service: own.name,
    part,
    sessionKey,
    subkey: subkey && new KerberosKey(subkey.keytype, subkey.keyvalue),
  };
}

/** Only ticket-granting services of this realm: its own, and the far ends of trusts. */
function grantingService(realm: KdcRealm, service: Principal): KdcPrincipal {
  const own = realm.find(service);
  if (own === undefined || !samePrincipal(service, krbtgt(realm.name, service.realm))) {
    throw new Refusal("KRB_AP_ERR_NOT_US");
  }
  return own;
}

/** Section 3.2.3, for tickets. */
function checkTicket(realm: KdcRealm, own: KdcPrincipal, part: EncTicketPart): void {
  const now = realm.now();
  const invalid = (part.flags & TicketFlag.Invalid) !== 0;
  if (invalid || (part.starttime ?? part.authtime) > now + KDC_SKEW) throw new Refusal("KRB_AP_ERR_TKT_NYV");
  if (part.endtime + KDC_SKEW < now) throw new Refusal("KRB_AP_ERR_TKT_EXPIRED");
  // Other realms vouch for their clients, not for ours, nor for nobody.
  if (own.name.realm !== realm.name && part.crealm === realm.name) throw new Refusal("KDC_ERR_POLICY");
  if (!isWhole(fromPrincipalName(part.cname, part.crealm))) throw new Refusal("KDC_ERR_POLICY");
}

function checkSender(realm: KdcRealm, part: EncTicketPart, authenticator: Authenticator): void {
  const client = fromPrincipalName(part.cname, part.crealm);
  if (!samePrincipal(client, fromPrincipalName(authenticator.cname, authenticator.crealm))) {
    throw new Refusal("KRB_AP_ERR_BADMATCH");
  }
  if (Math.abs(authenticator.ctime - realm.now()) > KDC_SKEW) throw new Refusal("KRB_AP_ERR_SKEW");
}

interface RequestProof {
  readonly authenticator: Authenticator;
  /** The authenticator as it came. */
  readonly cipher: Bytes;
  readonly sessionKey: KerberosKey;
  readonly message: Bytes;
}

/** Checksums without a key, which anybody can make (RFC 3961 sections 6.1 and 8; CVE-2018-16860). */
const UNKEYED: ReadonlySet<number> = new Set([1, 2, 7, 10, 14]);

/** The authenticator is for this request and for no other one. */
async function checkRequest(realm: KdcRealm, proof: RequestProof): Promise<void> {
  const [seal, digest] = await Promise.all([digestOf(proof.cipher), digestOf(proof.message)]);
  const fault = await checksumFault(proof);
  // Nothing may come in between from here on: another request with this authenticator may be under way.
  if (realm.isReplay(seal, digest)) throw new Refusal("KRB_AP_ERR_REPEAT");
  if (fault !== undefined) throw new Refusal(fault);
  realm.remember(seal, digest);
}

/** What is wrong with the checksum over the request. */
async function checksumFault(
  { authenticator: { cksum }, sessionKey, message }: RequestProof,
): Promise<KerberosErrorName | undefined> {
  if (cksum === undefined || UNKEYED.has(cksum.cksumtype)) return "KRB_AP_ERR_INAPP_CKSUM";
  if (cksum.cksumtype !== sessionKey.checksumType) return "KDC_ERR_SUMTYPE_NOSUPP";
  const usage = KeyUsage.TgsReqAuthenticatorChecksum;
  const right = await sessionKey.verifyChecksum(usage, bodyAsReceived(message), cksum.checksum);
  return right ? undefined : "KRB_AP_ERR_MODIFIED";
}

/** A request whose body is left as it is. */
interface RawRequest {
  readonly pvno: number;
  readonly msgType: number;
  readonly padata?: readonly PaData[];
  readonly reqBody: Bytes;
}

const RawTgsReq: Codec<RawRequest> = application(
  12,
  "TGS-REQ",
  sequence<RawRequest>("TGS-REQ", {
    pvno: explicit(1, Pvno),
    msgType: explicit(2, integer("msg-type", 12, 12)),
    padata: optional(explicit(3, MethodData)),
    reqBody: explicit(4, anyElement),
  }),
);

/** The bytes that the checksum is over: senders encode flags and numbers in ways that cannot be told afterwards. */
function bodyAsReceived(message: Bytes): Bytes {
  return readMessage(RawTgsReq, message).reqBody;
}

/** Opens a sealed part of a request. */
export async function openSealed(key: KerberosKey, usage: number, sealed: EncryptedData): Promise<Bytes> {
  if (sealed.etype !== key.enctype) throw new Refusal("KRB_AP_ERR_BAD_INTEGRITY");
  try {
    return await key.decrypt(usage, sealed.cipher);
  } catch (error) {
    if (error instanceof KerberosError) throw new Refusal("KRB_AP_ERR_BAD_INTEGRITY");
    throw error;
  }
}
