/**
 * Forged KDC replies and requests: genuine (made with the right keys) and wrong in any one field, to test the checks
 * behind the checksums.
 *
 * @module
 */
import { applicationTag, decode, encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { KdcExchange } from "../../kerberos/exchange/kdc_exchange.ts";
import { KeyUsage } from "../../kerberos/registry/key_usages.ts";
import { PaType } from "../../kerberos/registry/pa_types.ts";
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { handleKdcMessage, type KdcRealm } from "../../kerberos/kdc/mod.ts";
import { ApReq, Authenticator, EncTicketPart, Ticket } from "../../kerberos/messages/ap.ts";
import { KrbError } from "../../kerberos/messages/error.ts";
import {
  AsRep,
  AsReq,
  EncAsRepPart,
  type EncKdcRepPart,
  EncTgsRepPart,
  type KdcRep,
  KdcReqBody,
  TgsRep,
  TgsReq,
} from "../../kerberos/messages/kdc.ts";
import { fromPrincipalName, principal, toPrincipalName } from "../../kerberos/principal.ts";
import { Credential } from "../../kerberos/credential.ts";
import { changed, type Changes } from "./forge_ap.ts";

/** Changes of a KDC reply; the rest is as the KDC made it. */
export interface ReplyForgery {
  /** Changes fields of the encrypted part; a field that becomes `undefined` is left out. */
  readonly part?: (part: EncKdcRepPart) => Changes<EncKdcRepPart>;
  /** Changes fields in clear. */
  readonly reply?: (reply: KdcRep) => Partial<KdcRep>;
  /** Key that encrypts the part. */
  readonly key?: (key: KerberosKey) => KerberosKey;
  /** Key usage of the encryption. */
  readonly usage?: number;
  /** Tag of the encrypted part, 25 or 26. */
  readonly partTag?: number;
  /** Tag and type of the message, 11 or 13. */
  readonly replyTag?: number;
}

/** Returns key and usage of the reply to a request, from the realm's keys. */
export async function replyKeyOf(
  realm: KdcRealm,
  request: Bytes,
  reply: KdcRep,
): Promise<{ readonly key: KerberosKey; readonly usage: number }> {
  if (applicationTag(request) === 10) {
    const { reqBody } = decode(AsReq, request);
    const client = realm.findUser(fromPrincipalName(reqBody.cname!, reqBody.realm))!;
    return {
      key: client.keys.find(({ enctype }) => enctype === reply.encPart.etype)!,
      usage: KeyUsage.AsRepEncPart,
    };
  }
  const { sessionKey, authenticator } = await openTgsReq(realm, request);
  const { subkey } = authenticator;
  return subkey === undefined
    ? { key: sessionKey, usage: KeyUsage.TgsRepEncPartSessionKey }
    : { key: new KerberosKey(subkey.keytype, subkey.keyvalue), usage: KeyUsage.TgsRepEncPartSubkey };
}

/** Decrypts the ticket and the authenticator of a TGS-REQ with the realm's keys. */
export async function openTgsReq(
  realm: KdcRealm,
  request: Bytes,
): Promise<{ part: EncTicketPart; sessionKey: KerberosKey; authenticator: Authenticator }> {
  const { padata } = decode(TgsReq, request);
  const { ticket, authenticator } = decode(
    ApReq,
    padata!.find(({ padataType }) => padataType === PaType.TgsReq)!.padataValue,
  );
  const part = await openTicket(realm, ticket);
  const sessionKey = new KerberosKey(part.key.keytype, part.key.keyvalue);
  const plain = await sessionKey.decrypt(KeyUsage.TgsReqAuthenticator, authenticator.cipher);
  return { part, sessionKey, authenticator: decode(Authenticator, plain) };
}

function ticketKey(realm: KdcRealm, ticket: Ticket): KerberosKey {
  const service = realm.find(fromPrincipalName(ticket.sname, ticket.realm));
  const key = service?.keys.find(({ enctype }) => enctype === ticket.encPart.etype);
  if (key === undefined) throw new Error(`no key for the ticket of ${ticket.sname.nameString.join("/")}`);
  return key;
}

/** Decrypts a ticket. */
export async function openTicket(realm: KdcRealm, ticket: Ticket): Promise<EncTicketPart> {
  return decode(EncTicketPart, await ticketKey(realm, ticket).decrypt(KeyUsage.KdcRepTicket, ticket.encPart.cipher));
}

/** Returns a changed reply. A KRB-ERROR stays as it is. */
export async function forgeReply(realm: KdcRealm, request: Bytes, reply: Bytes, forgery: ReplyForgery): Promise<Bytes> {
  const tag = applicationTag(reply);
  if (tag !== 11 && tag !== 13) return reply;
  const genuine = decode(tag === 11 ? AsRep : TgsRep, reply);
  const { key, usage } = await replyKeyOf(realm, request, genuine);
  const plain = await key.decrypt(usage, genuine.encPart.cipher);
  const part = decode(tag === 11 ? EncAsRepPart : EncTgsRepPart, plain);
  const made = changed<EncKdcRepPart>(part, forgery.part?.(part));
  const partTag = forgery.partTag ?? (tag === 11 ? 25 : 26);
  const sealing = forgery.key?.(key) ?? key;
  const cipher = await sealing.encrypt(
    forgery.usage ?? usage,
    encode(partTag === 25 ? EncAsRepPart : EncTgsRepPart, made),
  );
  const whole: KdcRep = { ...genuine, encPart: { ...genuine.encPart, etype: sealing.enctype, cipher } };
  const replyTag = forgery.replyTag ?? tag;
  return encode(replyTag === 11 ? AsRep : TgsRep, { ...whole, msgType: replyTag, ...forgery.reply?.(genuine) });
}

/** Runs an exchange against a realm whose replies are changed. */
export async function runForged<T>(
  exchange: KdcExchange<T>,
  realm: KdcRealm,
  forgery: ReplyForgery | ((reply: Bytes, request: Bytes) => Bytes | Promise<Bytes>),
): Promise<T> {
  let step = await exchange.next();
  while (!step.done) {
    const { message } = step.value;
    const reply = await handleKdcMessage(realm, message);
    if (reply === undefined) throw new Error("the KDC does not answer");
    step = await exchange.next(
      typeof forgery === "function" ? await forgery(reply, message) : await forgeReply(realm, message, reply, forgery),
    );
  }
  return step.value;
}

/** Returns a ticket with a changed encrypted part; the credential's flags and times follow. */
export async function forgeTicket(
  realm: KdcRealm,
  credential: Credential,
  change: (part: EncTicketPart) => Changes<EncTicketPart>,
  clear: Partial<Ticket> = {},
): Promise<Credential> {
  const ticket = decode(Ticket, credential.ticket);
  const part = await openTicket(realm, ticket);
  const made = changed<EncTicketPart>(part, change(part));
  const target = { ...ticket, ...clear };
  const cipher = await ticketKey(realm, target).encrypt(KeyUsage.KdcRepTicket, encode(EncTicketPart, made));
  return new Credential({
    client: fromPrincipalName(made.cname, made.crealm),
    server: fromPrincipalName(target.sname, target.realm),
    key: credential.key,
    authtime: made.authtime,
    starttime: made.starttime,
    endtime: made.endtime,
    renewTill: made.renewTill,
    flags: made.flags,
    ticket: encode(Ticket, { ...target, encPart: { ...ticket.encPart, cipher } }),
  });
}

/** Changes of a TGS-REQ. */
export interface TgsRequestForgery {
  /** Changes the body before its checksum is computed. */
  readonly body?: Partial<KdcReqBody>;
  /** Changes the authenticator. */
  readonly authenticator?: (
    authenticator: Authenticator,
    body: Bytes,
  ) => Changes<Authenticator> | Promise<Changes<Authenticator>>;
  /** Further pre-authentication data. */
  readonly padata?: readonly { readonly padataType: number; readonly padataValue: Bytes }[];
  /** The AP-REQ. @default {a new one} */
  readonly apReq?: Bytes;
}

/** Returns a changed TGS-REQ of a ticket's holder. */
export async function forgeTgsReq(
  { tgt, service, now, enctypes = [18, 17, 20, 19] }: {
    tgt: Credential;
    service: string;
    now: number;
    enctypes?: readonly number[];
  },
  forgery: TgsRequestForgery = {},
): Promise<{ message: Bytes; apReq: Bytes; subkey: KerberosKey }> {
  const realm = tgt.server.components[1]!;
  const body = {
    kdcOptions: 0,
    realm,
    sname: toPrincipalName(principal(realm, service.split("/"))),
    till: tgt.endtime,
    nonce: 4711,
    etype: enctypes,
    ...forgery.body,
  };
  const bytes = encode(KdcReqBody, body);
  const subkey = KerberosKey.generate(tgt.key.enctype);
  const plain: Authenticator = {
    authenticatorVno: 5,
    crealm: tgt.client.realm,
    cname: toPrincipalName(tgt.client),
    cksum: {
      cksumtype: tgt.key.checksumType,
      checksum: await tgt.key.checksum(KeyUsage.TgsReqAuthenticatorChecksum, bytes),
    },
    cusec: crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000,
    ctime: Math.floor(now / 1000) * 1000,
    subkey: { keytype: subkey.enctype, keyvalue: subkey.exportBytes() },
  };
  const authenticator = changed<Authenticator>(plain, await forgery.authenticator?.(plain, bytes));
  const cipher = await tgt.key.encrypt(KeyUsage.TgsReqAuthenticator, encode(Authenticator, authenticator));
  const apReq = forgery.apReq ?? encode(ApReq, {
    pvno: 5,
    msgType: 14,
    apOptions: 0,
    ticket: decode(Ticket, tgt.ticket),
    authenticator: { etype: tgt.key.enctype, cipher },
  });
  const message = encode(TgsReq, {
    pvno: 5,
    msgType: 12,
    padata: [{ padataType: PaType.TgsReq, padataValue: apReq }, ...forgery.padata ?? []],
    reqBody: body,
  });
  return { message, apReq, subkey };
}

/** Returns the error code of the KDC's answer to a message, or 0. */
export async function errorCodeOf(realm: KdcRealm, message: Bytes): Promise<number> {
  const reply = await handleKdcMessage(realm, message);
  if (reply === undefined) return -1;
  return applicationTag(reply) === 30 ? decode(KrbError, reply).errorCode : 0;
}
