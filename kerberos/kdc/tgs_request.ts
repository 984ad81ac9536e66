/**
 * The AP-REQ of a TGS-REQ: the ticket-granting ticket, its authenticator, and the authenticator's checksum over the request
 * (RFC 4120 section 3.3.2).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { ApError } from "../ap/error.ts";
import type { ServiceKey } from "../ap/keys.ts";
import type { ApPolicy, VerifiedApReq } from "../ap/policy.ts";
import { readApReq, verifyApReq } from "../ap/verify.ts";
import type { KerberosKey } from "../crypto/key.ts";
import type { EncTicketPart } from "../messages/ap.ts";
import { krbtgt, type Principal, samePrincipal } from "../principal.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import type { KdcCall } from "./call.ts";
import { KDC_SKEW } from "./clock_skew.ts";
import type { KdcRealm } from "./realm.ts";
import { Refusal } from "./refusal.ts";
import { type CoveredRequest, requestFault } from "./request_checksum.ts";
import { digestOf } from "./seen_requests.ts";

/** A ticket-granting ticket that was found genuine. */
export interface PresentedTicket {
  /** Ticket-granting service that it is for: the owner of the key that opened it. */
  readonly service: Principal;
  /** Its sealed part. */
  readonly part: EncTicketPart;
  /** The key that opened it. */
  readonly key: KerberosKey;
  /** Its session key. */
  readonly sessionKey: KerberosKey;
  /** The authenticator's subkey, if there is one. */
  readonly subkey: KerberosKey | undefined;
}

/** Opens and checks the AP-REQ of a TGS-REQ. */
export async function openPresented({ realm, request, message }: KdcCall): Promise<PresentedTicket> {
  const padata = request.padata?.find(({ padataType }) => padataType === PaType.TgsReq);
  if (padata === undefined) throw new Refusal("KDC_ERR_PADATA_TYPE_NOSUPP");
  const apReq = await verified(realm, padata.padataValue);
  const { part, sessionKey, subkey, serviceKey, authenticator } = apReq;
  await checkRequest(realm, apReq.request.authenticator.cipher, { authenticator, sessionKey, message });
  return { service: serviceKey.principal, part, key: serviceKey.key, sessionKey, subkey };
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

/** Refuses an authenticator (`sealed` is its ciphertext) that was made for another request. */
async function checkRequest(realm: KdcRealm, sealed: Bytes, request: CoveredRequest): Promise<void> {
  const [seal, digest] = await Promise.all([digestOf(sealed), digestOf(request.message)]);
  const fault = await requestFault(request);
  // No await from here on: another request with this authenticator may be under way.
  if (realm.isReplay(seal, digest)) throw new Refusal("KRB_AP_ERR_REPEAT");
  if (fault !== undefined) throw new Refusal(fault);
  realm.remember(seal, digest);
}
