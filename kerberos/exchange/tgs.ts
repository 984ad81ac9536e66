/**
 * The ticket-granting service exchange (RFC 4120 section 3.3) with server referrals and paths across realms (RFC 6806
 * section 8). FAST, S4U and user-to-user are not implemented.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { Runtime } from "../../base/runtime.ts";
import { ErrorCode } from "../registry/errors.ts";
import { KdcOption, TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import { KerberosKey } from "../crypto/key.ts";
import { KdcError, KerberosError, peerText } from "../errors.ts";
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
import { makeApReq } from "../ap/make.ts";
import type { KdcExchange } from "./kdc_exchange.ts";
import { readReply, refusalError } from "./kdc_reply.ts";
import { randomNonce } from "./nonce.ts";
import { readMessage } from "../messages/read.ts";
import { checkReply, mismatch, toCredential } from "./reply.ts";

/** Input of {@linkcode tgsExchange}. Durations are in milliseconds. */
export interface TgsExchangeInput {
  /** Ticket-granting ticket. */
  readonly tgt: Credential;
  /** Service. With an empty realm, the KDC of the ticket-granting ticket's realm refers to the right one. */
  readonly service: Principal;
  /**
   * Realms to look in, in this order, for a service with an empty realm that the KDC neither knows nor refers to. @default {none}
   */
  readonly fallbackRealms?: readonly string[] | undefined;
  /**
   * Realms on the path from one to another, for a KDC that does not know the way: the one nearest to the end is tried first.
   *
   * @default {there are none}
   */
  readonly realmsBetween?: ((from: string, to: string) => readonly string[]) | undefined;
  /** Enctypes of the session key, in order of preference. */
  readonly enctypes: readonly number[];
  /** Further KDC options (RFC 4120 section 5.4.1). @default {0} */
  readonly options?: number;
  /** How far the KDC's clock is ahead, in milliseconds. @default {0} */
  readonly kdcOffset?: number;
  /** Tolerated difference of the clocks. @default {300000} */
  readonly clockskew?: number;
  /** Clock and randomness. */
  readonly runtime: Runtime;
}

/** Result of {@linkcode tgsExchange}. */
export interface TgsExchangeResult {
  /** Ticket for the service. */
  readonly credential: Credential;
  /** Ticket-granting tickets of the realms on the path. */
  readonly path: readonly Credential[];
}

/** At most this many realms are asked. */
const MAX_HOPS = 10;
/** At most this many realms on a path are tried from one place. */
const MAX_BETWEEN = 10;
/** Options that repeat flags of the ticket-granting ticket. */
const KEPT = KdcOption.Forwardable | KdcOption.Proxiable;
/** Options about the ticket that is presented: a referral cannot be the answer. */
const EXACT = KdcOption.Renew | KdcOption.Validate | KdcOption.Forwarded;

/**
 * Asks for a service ticket, and follows referrals to other realms.
 *
 * @throws {KdcError} A KDC refuses.
 * @throws {KerberosError} A reply is not genuine or not to the request, or the referrals go in circles.
 *
 * @example A service ticket from an embedded KDC
 * ```ts
 * import { parsePrincipal, systemTickets, tgsExchange } from "@gssocks/gssocks/kerberos";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const { credential: tgt } = await systemTickets({ config: kdc.config, principal: "alice", password: "secret" })
 *   .initialTicket();
 * const { credential } = await kdc.client.run(tgsExchange({
 *   tgt,
 *   service: parsePrincipal("rcmd/localhost@GSSOCKS.TEST"),
 *   enctypes: [18],
 *   runtime: kdc.clock,
 * }));
 * if (credential.server.components[0] !== "rcmd") throw new Error("ticket for another service");
 * ```
 */
export async function* tgsExchange(input: TgsExchangeInput): KdcExchange<TgsExchangeResult> {
  try {
    return yield* walk(input, input.service, new Set());
  } catch (error) {
    if (input.service.realm !== "" || !isUnknownService(error)) throw error;
    for (const realm of input.fallbackRealms ?? []) {
      if (realm === issuingRealm(input.tgt)) continue;
      const asked = new Set<string>();
      try {
        return yield* walk(input, { ...input.service, realm }, asked);
      } catch (again) {
        // A realm that nobody knows the way to says nothing about the service.
        if (asked.has(realm) || !isUnknownService(again)) throw again;
      }
    }
    throw error;
  }
}

/** Walks from realm to realm until one issues the ticket. The realms asked are added to `asked`. */
async function* walk(
  input: TgsExchangeInput,
  wanted: Principal,
  asked: Set<string>,
): KdcExchange<TgsExchangeResult> {
  const path: Credential[] = [];
  let tgt = input.tgt;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const here = issuingRealm(tgt);
    if (asked.has(here)) break;
    asked.add(here);
    const abroad = wanted.realm !== "" && wanted.realm !== here;
    const service = abroad ? krbtgt(wanted.realm, here) : { ...wanted, realm: here };
    const got = yield* abroad ? askAbroad(input, tgt, service, asked) : askHere(input, tgt, service);
    if (!abroad && samePrincipal(got.server, service)) return { credential: got, path };
    if (!isReferral(got, here) || isExact(input)) {
      mismatch("the service", formatPrincipal(service), formatPrincipal(got.server));
    }
    path.push(got);
    tgt = got;
  }
  throw new KerberosError(
    "REFERRAL_LOOP",
    `Cannot find ${formatPrincipal(wanted)}: referred through ${[...asked].map(peerText).join(", ")} without an end`,
  );
}

function isExact({ options = 0 }: TgsExchangeInput): boolean {
  return (options & EXACT) !== 0;
}

function isUnknownService(error: unknown): boolean {
  return error instanceof KdcError && error.errorCode === ErrorCode.KDC_ERR_S_PRINCIPAL_UNKNOWN;
}

/**
 * Asks for a service of this realm. Active Directory may answer with another name of the service instead of a referral; where
 * canonicalization is not allowed, it answers with the one that was asked for.
 */
async function* askHere(input: TgsExchangeInput, tgt: Credential, service: Principal): KdcExchange<Credential> {
  const got = yield* askOnce(input, tgt, service);
  if (samePrincipal(got.server, service) || isReferral(got, service.realm) || isExact(input)) return got;
  return yield* askOnce(input, tgt, service, 0);
}

/** Asks for a ticket-granting ticket of another realm or, if the KDC knows no way there, of one that lies between. */
async function* askAbroad(
  input: TgsExchangeInput,
  tgt: Credential,
  service: Principal,
  asked: ReadonlySet<string>,
): KdcExchange<Credential> {
  try {
    return yield* askOnce(input, tgt, service);
  } catch (error) {
    if (!isUnknownService(error)) throw error;
    const { realm, components: [, target = ""] } = service;
    const between = input.realmsBetween?.(input.tgt.client.realm, target) ?? [];
    for (const nearer of between.filter((name) => !asked.has(name)).slice(-MAX_BETWEEN).toReversed()) {
      try {
        return yield* askOnce(input, tgt, krbtgt(nearer, realm));
      } catch (again) {
        if (!isUnknownService(again)) throw again;
      }
    }
    throw error;
  }
}

/** Whether a realm has answered with a referral: a ticket for another realm's ticket-granting service. */
function isReferral({ server }: Credential, here: string): boolean {
  return server.components.length === 2 && server.components[0] === "krbtgt" && server.components[1] !== here &&
    server.realm === here;
}

/** Returns the realm whose KDC accepts a ticket-granting ticket. */
function issuingRealm(tgt: Credential): string {
  return tgt.server.components[1] ?? tgt.server.realm;
}

async function* askOnce(
  input: TgsExchangeInput,
  tgt: Credential,
  service: Principal,
  canonicalize: number = KdcOption.Canonicalize,
): KdcExchange<Credential> {
  const { runtime } = input;
  // KDCs go by the options, not by the flags of the ticket: what is not asked for again is lost (section 3.3.3.1).
  const renewable = (tgt.flags & TicketFlag.Renewable) !== 0 && tgt.renewTill > 0;
  const body: KdcReqBody = {
    kdcOptions: (tgt.flags & KEPT) | (renewable ? KdcOption.Renewable : 0) | canonicalize | (input.options ?? 0),
    realm: service.realm,
    sname: toPrincipalName(service),
    till: tgt.endtime,
    ...(renewable ? { rtime: tgt.renewTill } : {}),
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
  if ("refusal" in answer) {
    const { enctypes } = input;
    throw refusalError(answer.refusal, { client: tgt.client, server: service, enctypes, runtime });
  }
  return await acceptReply({ input, tgt, body, subkey }, answer.reply);
}

/** Section 3.3.1: the ticket-granting ticket, with an authenticator that covers the request's body. */
async function tgsApReq(input: TgsExchangeInput, tgt: Credential, body: Bytes, subkey: KerberosKey): Promise<Bytes> {
  const { message } = await makeApReq({
    credential: tgt,
    authenticatorUsage: KeyUsage.TgsReqAuthenticator,
    checksum: {
      cksumtype: tgt.key.checksumType,
      checksum: await tgt.key.checksum(KeyUsage.TgsReqAuthenticatorChecksum, body),
    },
    subkey,
    offset: input.kdcOffset,
    runtime: input.runtime,
  });
  return message;
}

interface AskedOfTgs {
  readonly input: TgsExchangeInput;
  readonly tgt: Credential;
  readonly body: KdcReqBody;
  readonly subkey: KerberosKey;
}

/** Section 3.3.4. Flags that were not requested are accepted: they do no harm until they are used. */
async function acceptReply({ input, tgt, body, subkey }: AskedOfTgs, reply: KdcRep): Promise<Credential> {
  const client = fromPrincipalName(reply.cname, reply.crealm);
  if (!samePrincipal(client, tgt.client)) {
    mismatch("the client", formatPrincipal(tgt.client), formatPrincipal(client));
  }
  if (reply.encPart.etype !== subkey.enctype) mismatch("the enctype", subkey.enctype, reply.encPart.etype);
  const plain = await subkey.decrypt(KeyUsage.TgsRepEncPartSubkey, reply.encPart.cipher);
  const part = readMessage(EncTgsRepPart, plain);
  // Section 5.4.2: the reply has addresses only if they differ from those of the ticket-granting ticket.
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

/** Whether a ticket is forwardable (RFC 4120 section 2.6). */
export function isForwardable(credential: Credential): boolean {
  return (credential.flags & TicketFlag.Forwardable) !== 0;
}
