/**
 * The embedded KDC's ticket-granting service (RFC 4120 section 3.3.3), with referrals to trusted realms (RFC 6806
 * section 8), renewal and forwarding. Proxies, postdated tickets and user-to-user are refused.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { KdcOption, TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import type { EncTicketPart, TransitedEncoding } from "../messages/ap.ts";
import { EncTgsRepPart, type KdcReqBody, TgsRep } from "../messages/kdc.ts";
import { DOMAIN_X500_COMPRESS } from "../messages/transited.ts";
import { fromPrincipalName, krbtgt, type Principal, samePrincipal } from "../principal.ts";
import { authorizationOf } from "./authorization_data.ts";
import type { KdcCall } from "./call.ts";
import { issue, type IssueInput } from "./issue.ts";
import { presentedPac, withoutPacs } from "./pac.ts";
import type { KdcPrincipal } from "./principals.ts";
import type { KdcRealm } from "./realm.ts";
import { Refusal } from "./refusal.ts";
import { requestProof } from "./request_proof.ts";
import { openPresented, type PresentedTicket } from "./tgs_request.ts";
import { isBetween, transitedRealms, withRealm } from "./transited.ts";

/** Options that are refused. */
const UNSUPPORTED = KdcOption.EncTktInSkey | KdcOption.CnameInAddlTkt | KdcOption.Validate | KdcOption.Proxy;
/** Options that are refused unless a flag of the ticket allows them (section 3.3.3). */
const ALLOWED_BY: readonly (readonly [option: number, flag: number])[] = [
  [KdcOption.Forwarded, TicketFlag.Forwardable],
  [KdcOption.Renew, TicketFlag.Renewable],
];

/** Answers a TGS-REQ. */
export async function handleTgsReq(call: KdcCall): Promise<Bytes> {
  const { realm, request: { reqBody: body } } = call;
  const presented = await openPresented(call);
  const { part } = presented;
  checkOptions(body.kdcOptions, part.flags);
  const key = presented.subkey ?? presented.sessionKey;
  const { ticket, part: granted } = await issue({
    ...terms(realm, body, presented),
    realm,
    client: fromPrincipalName(part.cname, part.crealm),
    authtime: part.authtime,
    authorizationData: withoutPacs(await authorizationOf(body, presented)),
    pac: await presentedPac(part, presented.key),
    // Section 3.3.3: only forwarding changes the addresses.
    addresses: (body.kdcOptions & KdcOption.Forwarded) !== 0 ? body.addresses : part.caddr,
    encryptedPaData: await requestProof(call, key),
  });
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

function checkOptions(options: number, flags: number): void {
  if ((options & UNSUPPORTED) !== 0) throw new Refusal("KDC_ERR_BADOPTION");
  for (const [option, flag] of ALLOWED_BY) {
    if ((options & option) !== 0 && (flags & flag) === 0) throw new Refusal("KDC_ERR_BADOPTION");
  }
}

type Terms = Pick<
  IssueInput,
  "body" | "service" | "flags" | "allowedFlags" | "latestEnd" | "latestRenewal" | "transited"
>;

function terms(realm: KdcRealm, body: KdcReqBody, presented: PresentedTicket): Terms {
  const { part } = presented;
  const { transited, checked } = transitedOf(realm, body, presented);
  const service = findService(realm, body);
  const latestRenewal = part.renewTill ?? 0;
  if ((body.kdcOptions & KdcOption.Renew) !== 0) {
    if (!samePrincipal(service.name, presented.service)) throw new Refusal("KDC_ERR_SERVER_NOMATCH");
    if (latestRenewal <= realm.now()) throw new Refusal("KRB_AP_ERR_TKT_EXPIRED");
    const lifetime = part.endtime - (part.starttime ?? part.authtime);
    return {
      body: {
        ...body,
        till: realm.now() + lifetime,
        rtime: latestRenewal,
        kdcOptions: body.kdcOptions & KdcOption.Renewable,
      },
      service,
      // Section 2.3: renewal changes nothing but key and times. Section 3.3.3.1: renewable again only if the option asks for it.
      flags: part.flags & ~TicketFlag.Renewable,
      allowedFlags: TicketFlag.Renewable,
      latestEnd: latestRenewal,
      latestRenewal,
      transited: part.transited,
    };
  }
  return {
    body,
    service,
    flags: (part.flags & (TicketFlag.PreAuthent | TicketFlag.HwAuthent | TicketFlag.Forwarded)) |
      (checked ? TicketFlag.TransitedPolicyChecked : 0),
    allowedFlags: (part.flags & (TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.Renewable)) |
      TicketFlag.Forwarded,
    latestEnd: part.endtime,
    latestRenewal,
    transited,
  };
}

/** Returns the service, or the ticket-granting service of the realm that it is in. */
function findService(realm: KdcRealm, body: KdcReqBody): KdcPrincipal {
  if (body.sname === undefined) throw new Refusal("KDC_ERR_S_PRINCIPAL_UNKNOWN");
  const wanted = fromPrincipalName(body.sname, body.realm);
  const found = realm.find(wanted) ?? referred(realm, body, wanted);
  if (found === undefined) throw new Refusal("KDC_ERR_S_PRINCIPAL_UNKNOWN");
  return found;
}

/** RFC 6806 section 8: the realm is another one, or the host is known to be in another one. */
function referred(realm: KdcRealm, { kdcOptions }: KdcReqBody, wanted: Principal): KdcPrincipal | undefined {
  if ((kdcOptions & KdcOption.Canonicalize) === 0) return undefined;
  const host = wanted.components[1];
  const target = wanted.realm !== realm.name ? wanted.realm : host && realm.referralFor(host);
  return target === undefined ? undefined : realm.find(krbtgt(target, realm.name));
}

/**
 * Section 3.3.3.2: the realm that vouches for the client is added to its path, unless it is the client's own. Section 2.7: the
 * flag says that all realms on the path were checked.
 */
function transitedOf(
  realm: KdcRealm,
  body: KdcReqBody,
  { part, service }: PresentedTicket,
): { transited: TransitedEncoding; checked: boolean } {
  const { trType, contents } = part.transited;
  const from = service.realm;
  const joins = from !== realm.name && from !== part.crealm;
  if (trType !== DOMAIN_X500_COMPRESS && contents.length > 0) {
    if (joins) throw new Refusal("KDC_ERR_TRTYPE_NOSUPP");
    return { transited: part.transited, checked: false };
  }
  const wanted = (body.kdcOptions & KdcOption.DisableTransitedCheck) === 0;
  try {
    const transited = { trType: DOMAIN_X500_COMPRESS, contents: joins ? withRealm(contents, from) : contents };
    return { transited, checked: wanted && isAccepted(realm, part, transited.contents) };
  } catch (error) {
    // Nothing can be added to a list that cannot be read.
    throw error instanceof RangeError ? new Refusal("KRB_AP_PATH_NOT_ACCEPTED") : error;
  }
}

function isAccepted(realm: KdcRealm, { crealm }: EncTicketPart, contents: Bytes): boolean {
  const way = transitedRealms(contents);
  return way !== undefined &&
    way.every((through) => realm.acceptedTransits.has(through) || isBetween(through, crealm, realm.name));
}
