/**
 * How the embedded KDC's ticket-granting service verifies a request: the AP-REQ in it, and the authenticator's checksum over
 * the request (RFC 4120 section 3.3.2).
 *
 * @module
 */
import { anyElement, application, type Codec, explicit, integer, optional, sequence } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { readMessage } from "../messages/read.ts";
import type { KerberosErrorName } from "../registry/errors.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { KerberosError } from "../errors.ts";
import type { Authenticator, EncTicketPart } from "../messages/ap.ts";
import { type EncryptedData, MethodData, type PaData, Pvno } from "../messages/basic.ts";
import type { KdcReq } from "../messages/kdc.ts";
import { krbtgt, type Principal, samePrincipal } from "../principal.ts";
import { ApError } from "../ap/error.ts";
import type { ServiceKey } from "../ap/keys.ts";
import type { ApPolicy, VerifiedApReq } from "../ap/policy.ts";
import { readApReq, verifyApReq } from "../ap/verify.ts";
import { KDC_SKEW } from "./issue.ts";
import type { KdcRealm } from "./realm.ts";
import { Refusal } from "./refusal.ts";
import { digestOf } from "./replays.ts";

/** A ticket-granting ticket that was found genuine, with what came along. */
export interface Presented {
  /** Ticket-granting service that it is for, as the key says that opened it. */
  readonly service: Principal;
  readonly part: EncTicketPart;
  readonly sessionKey: KerberosKey;
  readonly subkey: KerberosKey | undefined;
}

/** Opens and checks the AP-REQ of a TGS-REQ. */
export async function openPresented(realm: KdcRealm, request: KdcReq, message: Bytes): Promise<Presented> {
  const padata = request.padata?.find(({ padataType }) => padataType === PaType.TgsReq);
  if (padata === undefined) throw new Refusal("KDC_ERR_PADATA_TYPE_NOSUPP");
  const opened = await verified(realm, padata.padataValue);
  const { part, sessionKey, subkey, serviceKey, authenticator } = opened;
  await checkRequest(realm, { authenticator, cipher: opened.request.authenticator.cipher, sessionKey, message });
  return { service: serviceKey.principal, part, sessionKey, subkey };
}

async function verified(realm: KdcRealm, apReq: Bytes): Promise<VerifiedApReq> {
  try {
    return await verifyApReq(readApReq(apReq), tgsPolicy(realm));
  } catch (error) {
    throw error instanceof ApError ? new Refusal(error.code) : error;
  }
}

/**
 * How a ticket-granting service verifies (RFC 4120 section 3.3.2): without a replay cache, since the same request may come
 * again ({@linkcode checkRequest}); transited realms and authorization data are judged when the next ticket is issued.
 */
function tgsPolicy(realm: KdcRealm): ApPolicy {
  return {
    keys: {
      candidates: ({ service, enctype }) => grantingKeys(realm, service, enctype),
      describe: () => [],
    },
    authenticatorUsage: KeyUsage.TgsReqAuthenticator,
    now: realm.now(),
    skew: KDC_SKEW,
    replayCache: undefined,
    transited: undefined,
    authorizationData: "copied",
    ticketChecks: [({ part, serviceKey }) => {
      // Other realms vouch for their own clients, not for those of this realm.
      if (serviceKey.principal.realm !== realm.name && part.crealm === realm.name) {
        throw new ApError(
          "KDC_ERR_POLICY",
          `Cannot accept ticket: another realm vouches for a client of ${realm.name}`,
        );
      }
    }],
  };
}

/** Keys of ticket-granting services of this realm only: its own, and the far ends of trusts. */
function grantingKeys(realm: KdcRealm, service: Principal, enctype: number): readonly ServiceKey[] {
  const own = realm.find(service);
  if (own === undefined || !samePrincipal(service, krbtgt(realm.name, service.realm))) {
    throw new ApError("KRB_AP_ERR_NOT_US", "Cannot open ticket: it is for no ticket-granting service of this realm");
  }
  const keys = own.keys.filter((key) => key.enctype === enctype);
  if (keys.length === 0) {
    throw new ApError(
      "KRB_AP_ERR_BADKEYVER",
      "Cannot open ticket: the ticket-granting service has no key of its enctype",
    );
  }
  return keys.map((key) => ({ principal: own.name, kvno: own.kvno, key }));
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
