/**
 * Delegation: a forwarded ticket-granting ticket in a KRB-CRED inside the authenticator's checksum (RFC 4121 section
 * 4.1.1.1, RFC 4120 section 3.6).
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { Runtime } from "../../base/runtime.ts";
import { readMessage } from "../messages/read.ts";
import type { ServiceTicket } from "../credentials/ticket_source.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { KerberosKey } from "../crypto/key.ts";
import { KerberosError } from "../errors.ts";
import { Ticket } from "../messages/ap.ts";
import { EncKrbCredPart, KrbCred } from "../messages/cred.ts";
import { splitTime } from "../messages/time.ts";
import { fromPrincipalName, isWhole, toPrincipalName } from "../principal.ts";
import type { CredentialCacheData } from "../credentials/cache.ts";
import { Credential } from "../credential.ts";

/** Makes a KRB-CRED with one ticket, sealed with the session key of the context's ticket. */
export async function makeDelegation(
  forwarded: ServiceTicket,
  sessionKey: KerberosKey,
  runtime: Runtime,
): Promise<Bytes> {
  const { credential, kdcOffset } = forwarded;
  const { time, usec } = splitTime(runtime.now() + kdcOffset);
  const part = encode(EncKrbCredPart, {
    ticketInfo: [{
      key: { keytype: credential.key.enctype, keyvalue: credential.key.exportBytes() },
      prealm: credential.client.realm,
      pname: toPrincipalName(credential.client),
      flags: credential.flags,
      authtime: credential.authtime,
      starttime: credential.starttime,
      endtime: credential.endtime,
      ...(credential.renewTill > 0 ? { renewTill: credential.renewTill } : {}),
      srealm: credential.server.realm,
      sname: toPrincipalName(credential.server),
    }],
    timestamp: time,
    usec,
  });
  return encode(KrbCred, {
    pvno: 5,
    msgType: 22,
    tickets: [readMessage(Ticket, credential.ticket)],
    encPart: {
      etype: sessionKey.enctype,
      cipher: await sessionKey.encrypt(KeyUsage.KrbCredEncPart, part, runtime),
    },
  });
}

/** Enctype of a KRB-CRED that is not sealed itself (RFC 6448 section 3). No encryption has this number. */
const NOT_SEALED = 0;

/**
 * Reads the tickets of a KRB-CRED out of an authenticator. It is sealed with one of the given keys, or not sealed itself, as
 * Heimdal and programs on it send it: the authenticator is sealed (RFC 6448 section 5).
 */
export async function readDelegation(message: Bytes, keys: readonly KerberosKey[]): Promise<CredentialCacheData> {
  const cred = readMessage(KrbCred, message);
  const { etype, cipher } = cred.encPart;
  const part = readMessage(EncKrbCredPart, etype === NOT_SEALED ? cipher : await openWithAny(cipher, etype, keys));
  if (part.ticketInfo.length !== cred.tickets.length || cred.tickets.length === 0) {
    throw new KerberosError("BAD_MESSAGE", "Cannot read KRB-CRED: tickets and their keys do not match in number");
  }
  const credentials = part.ticketInfo.map((info, i) => {
    const { pname, prealm, sname, srealm, endtime } = info;
    if (
      pname === undefined || prealm === undefined || sname === undefined || srealm === undefined ||
      endtime === undefined
    ) {
      throw new KerberosError("BAD_MESSAGE", "Cannot read KRB-CRED: a ticket has no client, service or end");
    }
    const [client, server] = [fromPrincipalName(pname, prealm), fromPrincipalName(sname, srealm)];
    if (!isWhole(client) || !isWhole(server)) {
      throw new KerberosError("BAD_MESSAGE", "Cannot read KRB-CRED: a ticket's client or service has no name or realm");
    }
    return new Credential({
      client,
      server,
      key: new KerberosKey(info.key.keytype, info.key.keyvalue),
      authtime: info.authtime ?? 0,
      // A start of zero stands for none, as in the caches that such a ticket may come from.
      starttime: info.starttime || info.authtime,
      endtime,
      renewTill: info.renewTill,
      flags: info.flags ?? 0,
      ticket: encode(Ticket, cred.tickets[i]!),
    });
  });
  return { principal: credentials[0]!.client, credentials };
}

async function openWithAny(cipher: Bytes, etype: number, keys: readonly KerberosKey[]): Promise<Bytes> {
  for (const key of keys) {
    if (key.enctype !== etype) continue;
    try {
      return await key.decrypt(KeyUsage.KrbCredEncPart, cipher);
    } catch (error) {
      if (!(error instanceof KerberosError) || error.code !== "INTEGRITY") throw error;
    }
  }
  throw new KerberosError("INTEGRITY", "Cannot open KRB-CRED: no key of the context opens it");
}
