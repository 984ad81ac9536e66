/**
 * Issuing a ticket, the last step of both services of the embedded KDC (RFC 4120 sections 3.1.3 and 3.3.3).
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { KdcOption, TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { KerberosKey } from "../crypto/key.ts";
import { EncTicketPart, type Ticket, type TransitedEncoding } from "../messages/ap.ts";
import type { AuthorizationDataElement, HostAddress, PaData } from "../messages/basic.ts";
import type { EncKdcRepPart, KdcReqBody } from "../messages/kdc.ts";
import { wholeSeconds } from "../messages/time.ts";
import type { PacBuffer } from "../pac/container.ts";
import { signPac } from "../pac/signature.ts";
import { krbtgt, type Principal, toPrincipalName } from "../principal.ts";
import { KDC_SKEW } from "./clock_skew.ts";
import { pacElement } from "./pac.ts";
import type { KdcPrincipal } from "./principals.ts";
import type { KdcRealm } from "./realm.ts";
import { Refusal } from "./refusal.ts";

/** Input of {@linkcode issue}. Times are in milliseconds since the epoch. */
export interface IssueInput {
  readonly realm: KdcRealm;
  readonly body: KdcReqBody;
  readonly client: Principal;
  readonly service: KdcPrincipal;
  /** Flags besides those that the options ask for. */
  readonly flags: number;
  /** Flags that options may set. */
  readonly allowedFlags: number;
  readonly authtime: number;
  /** Latest end of the ticket. */
  readonly latestEnd: number;
  /** Latest end of its renewals. */
  readonly latestRenewal: number;
  readonly transited: TransitedEncoding;
  /** Addresses that the ticket is limited to. */
  readonly addresses: readonly HostAddress[] | undefined;
  readonly authorizationData?: readonly AuthorizationDataElement[] | undefined;
  readonly encryptedPaData: readonly PaData[] | undefined;
  /** Contents of the ticket's PAC. */
  readonly pac: readonly PacBuffer[] | undefined;
}

/** A ticket, and the part of the reply about it. */
interface Issued {
  readonly ticket: Ticket;
  readonly part: EncKdcRepPart;
}

/** Creates a session key and a ticket with it. */
export async function issue(input: IssueInput): Promise<Issued> {
  const { realm, body, service, client } = input;
  const now = wholeSeconds(realm.now());
  checkStart(body, now);
  const sessionKey = KerberosKey.generate(sessionEnctype(input), realm.runtime);
  const key = { keytype: sessionKey.enctype, keyvalue: sessionKey.exportBytes() };
  if (service.expires <= realm.now()) throw new Refusal("KDC_ERR_SERVICE_EXP");
  const ticketKey = ticketKeyOf(realm, service);
  // A till of zero asks for the longest lifetime (section 5.4.1).
  const till = body.till <= 0 ? Infinity : body.till;
  const endtime = wholeSeconds(Math.min(till, now + realm.maxLifetime, input.latestEnd));
  if (endtime <= now) throw new Refusal("KDC_ERR_NEVER_VALID");
  const asked = (body.kdcOptions & (KdcOption.Forwardable | KdcOption.Proxiable | KdcOption.Forwarded)) &
    input.allowedFlags;
  const renewTill = renewal(input, now, till);
  // RFC 6806 section 11: the flag shows the client that a missing proof was removed on the way.
  const flags = (input.flags | asked | TicketFlag.EncPaRep | (renewTill === undefined ? 0 : TicketFlag.Renewable) |
    (service.okAsDelegate ? TicketFlag.OkAsDelegate : 0)) >>> 0;
  const times = {
    authtime: input.authtime,
    starttime: now,
    endtime,
    ...(renewTill === undefined ? {} : { renewTill }),
  };
  const { addresses = [] } = input;
  const authorizationData = await authorization(input, ticketKey);
  const caddr = addresses.length === 0 ? {} : { caddr: addresses };
  const plain = encode(EncTicketPart, {
    flags,
    key,
    crealm: client.realm,
    cname: toPrincipalName(client),
    transited: input.transited,
    ...times,
    ...caddr,
    ...(authorizationData === undefined ? {} : { authorizationData }),
  });
  return {
    ticket: {
      tktVno: 5,
      realm: service.name.realm,
      sname: toPrincipalName(service.name),
      encPart: {
        etype: ticketKey.enctype,
        kvno: service.kvno + realm.faults.kvnoOffset,
        cipher: await ticketKey.encrypt(KeyUsage.KdcRepTicket, plain, realm.runtime),
      },
    },
    part: {
      key,
      lastReq: [{ lrType: 0, lrValue: now }],
      nonce: body.nonce,
      flags,
      ...times,
      srealm: service.name.realm,
      sname: toPrincipalName(service.name),
      ...caddr,
      ...(input.encryptedPaData === undefined ? {} : { encryptedPaData: input.encryptedPaData }),
    },
  };
}

/**
 * The key that the ticket is sealed with. {@linkcode KdcFaults.kvnoOffset} makes it another one, as after a change of keys that a keytab has
 * not followed; the KDC's own tickets stay readable.
 */
function ticketKeyOf(realm: KdcRealm, service: KdcPrincipal): KerberosKey {
  const key = service.keys.find(({ enctype }) => realm.has(enctype));
  if (key === undefined) throw new Refusal("KDC_ERR_ETYPE_NOSUPP");
  const isChanged = realm.faults.kvnoOffset !== 0 && service.name.components[0] !== "krbtgt";
  return isChanged ? KerberosKey.generate(key.enctype, realm.runtime) : key;
}

/** Returns the ticket's authorization data, with a PAC that is signed for its service. */
async function authorization(
  { realm, authorizationData, pac }: IssueInput,
  server: KerberosKey,
): Promise<readonly AuthorizationDataElement[] | undefined> {
  if (pac === undefined) return authorizationData;
  const [kdc] = realm.find(krbtgt(realm.name))!.keys;
  return [pacElement(await signPac(pac, { server, kdc: kdc! })), ...authorizationData ?? []];
}

/** Sections 3.1.3 and 3.3.3: postdated tickets are against this KDC's policy. */
function checkStart({ from = 0, kdcOptions }: KdcReqBody, now: number): void {
  if (from > now + KDC_SKEW || (kdcOptions & KdcOption.Postdated) !== 0) throw new Refusal("KDC_ERR_CANNOT_POSTDATE");
}

/** Returns the first enctype that the client asks for and the service has. */
function sessionEnctype({ realm, body, service }: IssueInput): number {
  const found = body.etype.find((enctype) => realm.has(enctype) && service.sessionEnctypes.includes(enctype));
  if (found === undefined) throw new Refusal("KDC_ERR_ETYPE_NOSUPP");
  return found;
}

function renewal(input: IssueInput, now: number, till: number): number | undefined {
  const { realm, body } = input;
  const wanted = (body.kdcOptions & KdcOption.Renewable) !== 0
    ? body.rtime ?? Infinity
    : (body.kdcOptions & KdcOption.RenewableOk) !== 0 && Number.isFinite(till) && till > now + realm.maxLifetime
    ? till
    : undefined;
  if (wanted === undefined || (input.allowedFlags & TicketFlag.Renewable) === 0) return undefined;
  return wholeSeconds(Math.min(wanted <= 0 ? Infinity : wanted, now + realm.maxRenewLifetime, input.latestRenewal));
}
