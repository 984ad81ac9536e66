/**
 * Making an AP-REQ (RFC 4120 section 3.2.2): a ticket, and an authenticator sealed with its session key.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { Runtime } from "../../base/runtime.ts";
import type { Credential } from "../credential.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { ApReq, Authenticator, Ticket } from "../messages/ap.ts";
import type { Checksum } from "../messages/basic.ts";
import { readMessage } from "../messages/read.ts";
import { toPrincipalName } from "../principal.ts";
import { authenticatorTime } from "./authenticator_time.ts";

/** Options of an AP-REQ. */
export interface ApReqOptions {
  /** Ticket and session key. */
  readonly credential: Credential;
  /** Key usage of the authenticator (RFC 4120 section 7.5.1): 11 in an application's AP-REQ, 7 in a TGS-REQ. */
  readonly authenticatorUsage: number;
  /** Checksum in the authenticator. @default {none} */
  readonly checksum?: Checksum;
  /** Subkey in the authenticator. */
  readonly subkey: KerberosKey;
  /** Sequence number in the authenticator. @default {none} */
  readonly sequence?: number;
  /** Options in clear (RFC 4120 section 5.5.1). @default {0} */
  readonly apOptions?: number;
  /** How far the server's clock is ahead, in milliseconds. @default {0} */
  readonly offset?: number | undefined;
  /** Clock and randomness. */
  readonly runtime: Runtime;
}

/** The client's time in an authenticator, which an AP-REP must repeat. */
export interface ClientTime {
  /** Whole seconds, in milliseconds since the epoch. */
  readonly ctime: number;
  /** Microseconds. */
  readonly cusec: number;
}

/** Tickets that were read, because a credential is used many times. */
const tickets = new WeakMap<Credential, Ticket>();

function ticketOf(credential: Credential): Ticket {
  let ticket = tickets.get(credential);
  if (ticket === undefined) tickets.set(credential, ticket = readMessage(Ticket, credential.ticket));
  return ticket;
}

/** Makes an AP-REQ. */
export async function makeApReq(options: ApReqOptions): Promise<{ message: Bytes; sent: ClientTime }> {
  const { credential, checksum, subkey, sequence, runtime } = options;
  const { key, client } = credential;
  const { time, usec } = authenticatorTime(runtime, options.offset);
  const sent = { ctime: time, cusec: usec };
  const authenticator = encode(Authenticator, {
    authenticatorVno: 5,
    crealm: client.realm,
    cname: toPrincipalName(client),
    ...(checksum === undefined ? {} : { cksum: checksum }),
    ...sent,
    subkey: { keytype: subkey.enctype, keyvalue: subkey.exportBytes() },
    ...(sequence === undefined ? {} : { seqNumber: sequence }),
  });
  const message = encode(ApReq, {
    pvno: 5,
    msgType: 14,
    apOptions: options.apOptions ?? 0,
    ticket: ticketOf(credential),
    authenticator: {
      etype: key.enctype,
      cipher: await key.encryptEventually(options.authenticatorUsage, authenticator, runtime),
    },
  });
  return { message, sent };
}
