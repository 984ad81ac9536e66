/**
 * The ticket-granting service exchange (RFC 4120 section 3.3) with server referrals and paths across realms (RFC 6806
 * section 8). FAST, S4U and user-to-user are left out.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { Runtime } from "../../base/runtime.ts";
import { KdcOption, TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import { KerberosKey } from "../crypto/key.ts";
import { KerberosError, printable } from "../errors.ts";
import { ApReq, Authenticator, Ticket } from "../messages/ap.ts";
import { EncTgsRepPart, type KdcRep, KdcReqBody, TgsRep, TgsReq } from "../messages/kdc.ts";
import {
  formatPrincipal,
  fromPrincipalName,
  krbtgt,
  type Principal,
  samePrincipal,
  toPrincipalName,
} from "../principal.ts";
import type { Credential } from "../credential.ts";
import { authenticatorTime } from "../ap/authenticator_time.ts";
import type { KdcExchange } from "./kdc_exchange.ts";
import { readReply, refusalError } from "./kdc_reply.ts";
import { randomNonce } from "./nonce.ts";
import { readMessage } from "../messages/read.ts";
import { checkReply, mismatch, toCredential } from "./reply.ts";

/** What a service ticket is asked for with. */
export interface TgsExchangeInput {
  /** Ticket-granting ticket. */
  readonly tgt: Credential;
  /** Service; its realm may be empty, then the KDC of the ticket's realm says where it is. */
  readonly service: Principal;
  /** Enctypes of the session key, in order of preference. */
  readonly enctypes: readonly number[];
  /** Further KDC options (RFC 4120 section 5.4.1). @default {0} */
  readonly options?: number;
  /** How far the KDC's clock is ahead, in milliseconds. @default {0} */
  readonly kdcOffset?: number;
  /** How far clocks may be apart, in milliseconds. @default {300000} */
  readonly clockskew?: number;
  /** Clock and randomness. */
  readonly runtime: Runtime;
}

/** Ticket got, and the tickets of other realms' ticket-granting services that were got on the way. */
export interface TgsExchangeResult {
  /** Ticket for the service. */
  readonly credential: Credential;
  /** Tickets for the ticket-granting services on the way. */
  readonly path: readonly Credential[];
}

/** Realms that a path may lead through. */
const MAX_HOPS = 10;
/** Options that are about the ticket presented, so that a ticket for somewhere else cannot be the answer. */
const EXACT = KdcOption.Renew | KdcOption.Forwarded;

/**
 * Asks for a service ticket, through as many realms as it takes.
 *
 * @throws {KdcError} A KDC refuses.
 * @throws {KerberosError} A reply is not genuine or not to the request, or the referrals go in circles.
 */
export async function* tgsExchange(input: TgsExchangeInput): KdcExchange<TgsExchangeResult> {
  const path: Credential[] = [];
  const seen = new Set<string>();
  let tgt = input.tgt;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const here = issuingRealm(tgt);
    if (seen.has(here)) break;
    seen.add(here);
    const abroad = input.service.realm !== "" && input.service.realm !== here;
    const service = abroad ? krbtgt(input.service.realm, here) : { ...input.service, realm: here };
    const got = yield* askOnce(input, tgt, service);
    if (!abroad && samePrincipal(got.server, service)) return { credential: got, path };
    if (!isReferral(got, here) || ((input.options ?? 0) & EXACT) !== 0) {
      mismatch("the service", formatPrincipal(service), formatPrincipal(got.server));
    }
    path.push(got);
    tgt = got;
  }
  throw new KerberosError(
    "REFERRAL_LOOP",
    `Cannot find ${formatPrincipal(input.service)}: referred through ${
      [...seen].map(printable).join(", ")
    } without an end`,
  );
}

/** Whether a realm answered with a ticket for another realm's ticket-granting service: where the service is, or nearer. */
function isReferral({ server }: Credential, here: string): boolean {
  return server.components.length === 2 && server.components[0] === "krbtgt" && server.components[1] !== here &&
    server.realm === here;
}

/** Realm whose KDC takes a ticket-granting ticket. */
function issuingRealm(tgt: Credential): string {
  return tgt.server.components[1] ?? tgt.server.realm;
}

async function* askOnce(input: TgsExchangeInput, tgt: Credential, service: Principal): KdcExchange<Credential> {
  const { runtime } = input;
  const kept = KdcOption.Forwardable | KdcOption.Proxiable;
  const body: KdcReqBody = {
    kdcOptions: (tgt.flags & kept) | KdcOption.Canonicalize | (input.options ?? 0),
    realm: service.realm,
    sname: toPrincipalName(service),
    till: tgt.endtime,
    nonce: randomNonce(runtime),
    etype: input.enctypes,
  };
  using subkey = KerberosKey.generate(tgt.key.enctype, runtime);
  const message = encode(TgsReq, {
    pvno: 5,
    msgType: 12,
    padata: [{ padataType: PaType.TgsReq, padataValue: await tgsApReq(input, tgt, encode(KdcReqBody, body), subkey) }],
    reqBody: body,
  });
  const answer = readReply(TgsRep, yield { realm: service.realm, message });
  if ("refusal" in answer) throw refusalError(answer.refusal, { client: tgt.client, server: service, runtime });
  return await acceptReply({ input, tgt, body, subkey }, answer.reply);
}

/** Section 3.3.1: the ticket-granting ticket, with an authenticator that covers the request's body. */
async function tgsApReq(input: TgsExchangeInput, tgt: Credential, body: Bytes, subkey: KerberosKey): Promise<Bytes> {
  const { runtime } = input;
  const { time, usec } = authenticatorTime(runtime, input.kdcOffset);
  const authenticator = encode(Authenticator, {
    authenticatorVno: 5,
    crealm: tgt.client.realm,
    cname: toPrincipalName(tgt.client),
    cksum: {
      cksumtype: tgt.key.checksumType,
      checksum: await tgt.key.checksum(KeyUsage.TgsReqAuthenticatorChecksum, body),
    },
    cusec: usec,
    ctime: time,
    subkey: { keytype: subkey.enctype, keyvalue: subkey.exportBytes() },
  });
  const cipher = await tgt.key.encrypt(KeyUsage.TgsReqAuthenticator, authenticator, runtime);
  return encode(ApReq, {
    pvno: 5,
    msgType: 14,
    apOptions: 0,
    ticket: readMessage(Ticket, tgt.ticket),
    authenticator: { etype: tgt.key.enctype, cipher },
  });
}

interface AskedOfTgs {
  readonly input: TgsExchangeInput;
  readonly tgt: Credential;
  readonly body: KdcReqBody;
  readonly subkey: KerberosKey;
}

/** Section 3.3.4. Flags that were not asked for are no reason to do without a ticket: no harm is in them until they are used. */
async function acceptReply({ input, tgt, body, subkey }: AskedOfTgs, reply: KdcRep): Promise<Credential> {
  const client = fromPrincipalName(reply.cname, reply.crealm);
  if (!samePrincipal(client, tgt.client)) {
    mismatch("the client", formatPrincipal(tgt.client), formatPrincipal(client));
  }
  if (reply.encPart.etype !== subkey.enctype) mismatch("the enctype", subkey.enctype, reply.encPart.etype);
  const plain = await subkey.decrypt(KeyUsage.TgsRepEncPartSubkey, reply.encPart.cipher);
  const part = readMessage(EncTgsRepPart, plain);
  // Section 5.4.2: addresses stand in the reply only where they are others than the ticket-granting ticket's.
  const forwarded = (body.kdcOptions & KdcOption.Forwarded) !== 0;
  const addresses = forwarded ? [] : tgt.addresses;
  checkReply(reply, part, {
    nonce: body.nonce,
    enctypes: body.etype,
    now: input.runtime.now() + (input.kdcOffset ?? 0),
    clockskew: input.clockskew ?? 300_000,
    latestEnd: (body.kdcOptions & KdcOption.Renew) !== 0 ? tgt.renewTill : body.till,
    latestRenewal: tgt.renewTill,
    addresses,
  });
  return toCredential(client, part, { reply, addresses: part.caddr ?? addresses });
}

/** Whether a ticket may be forwarded (RFC 4120 section 2.6). */
export function isForwardable(credential: Credential): boolean {
  return (credential.flags & TicketFlag.Forwardable) !== 0;
}
