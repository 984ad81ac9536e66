/**
 * A forge of tickets, authenticators, AP-REQs, AP-REPs and KRB-ERRORs: genuine (encrypted and signed with the right keys),
 * and wrong in the fields that a test names. All other fields are as a correct peer makes them.
 *
 * ```ts ignore
 * const forge = new Forge();
 * const { token } = await forge.apReq({ ticket: { flags: TicketFlag.Invalid } });
 * await forge.acceptor().accept().step(token); // throws KRB_AP_ERR_TKT_NYV
 * ```
 *
 * @module
 */
import { asBytes, type Bytes, EMPTY } from "../../base/bytes.ts";

import { encode } from "../../asn1/codec.ts";
import type { GssFlags } from "../../gss/context.ts";
import { readMessage } from "../../kerberos/messages/read.ts";
import type { ServiceTicket, TicketSource } from "../../kerberos/credentials/ticket_source.ts";
import { ApOption } from "../../kerberos/registry/flags.ts";
import { KeyUsage } from "../../kerberos/registry/key_usages.ts";
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { KerberosAcceptorCredential, type KerberosAcceptorOptions } from "../../kerberos/mech/credentials.ts";
import {
  type AuthenticatorChecksum,
  encodeAuthenticatorChecksum,
  GSS_CHECKSUM_TYPE,
} from "../../kerberos/mech/tokens/checksum.ts";
import { decodeContextToken, encodeContextToken } from "../../kerberos/mech/tokens/context.ts";
import { ApRep, ApReq, Authenticator, EncApRepPart, EncTicketPart, Ticket } from "../../kerberos/messages/ap.ts";
import { KrbError } from "../../kerberos/messages/error.ts";
import { splitTime } from "../../kerberos/messages/time.ts";
import { parsePrincipal, type Principal, toPrincipalName } from "../../kerberos/principal.ts";
import { Credential } from "../../kerberos/credential.ts";
import { Keytab } from "../../kerberos/credentials/formats/keytab.ts";
import { TestRuntime } from "./test_runtime.ts";
import { ALL_FLAGS } from "./flags.ts";

/** Changes of fields; `undefined` removes an optional field. */
export type Changes<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Changes bytes before they are encrypted, for what the codecs cannot express. */
export type Rewrite = (bytes: Bytes) => Bytes;

/** Returns `fields` with `changes` applied; a field changed to `undefined` is left out. */
export function changed<T extends object>(fields: T, changes: Changes<T> = {}): T {
  return Object.fromEntries(
    Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== undefined),
  ) as unknown as T;
}

/** Changes of a ticket. */
export interface TicketChanges {
  /** Fields of the encrypted part. */
  readonly ticket?: Changes<EncTicketPart>;
  /** Changes the encoded part before it is encrypted. */
  readonly rewriteTicket?: Rewrite;
  /** Fields in clear. */
  readonly outside?: Changes<Ticket>;
  /** Key version in clear. @default {that of the service's key} */
  readonly kvno?: number | undefined;
  /** Key that encrypts it. @default {the service's} */
  readonly ticketKey?: KerberosKey;
  /** Key usage of the encryption. @default {2} */
  readonly ticketUsage?: number;
}

/** Changes of an AP-REQ. */
export interface RequestChanges extends TicketChanges {
  /** Fields of the authenticator. */
  readonly authenticator?: Changes<Authenticator>;
  /** Fields of its checksum. */
  readonly checksum?: Omit<Changes<AuthenticatorChecksum>, "flags"> & { readonly flags?: GssFlags };
  /** Changes the encoded checksum. */
  readonly rewriteChecksum?: Rewrite;
  /** Changes the encoded authenticator before it is encrypted. */
  readonly rewriteAuthenticator?: Rewrite;
  /** Key that encrypts the authenticator. @default {the session key} */
  readonly authenticatorKey?: KerberosKey;
  /** Enctype in clear of the authenticator. @default {that of its key} */
  readonly authenticatorEnctype?: number;
  /** Key usage of the authenticator. @default {11} */
  readonly authenticatorUsage?: number;
  /** Fields of the AP-REQ. */
  readonly request?: Changes<ApReq>;
}

/** Changes of an AP-REP. */
export interface ReplyChanges {
  /** Fields of the encrypted part. */
  readonly part?: Changes<EncApRepPart>;
  /** Changes the encoded part before it is encrypted. */
  readonly rewritePart?: Rewrite;
  /** Key that encrypts it. @default {the session key} */
  readonly replyKey?: KerberosKey;
  /** Enctype in clear. @default {that of its key} */
  readonly replyEnctype?: number;
  /** Key usage of the encryption. @default {12} */
  readonly replyUsage?: number;
}

/** Options of a forge. */
export interface ForgeOptions {
  /** Realm of the service. @default {"A.TEST"} */
  readonly realm?: string;
  /** The client. @default {alice of that realm} */
  readonly client?: string;
  /** Enctype of all keys. @default {18} */
  readonly enctype?: number;
  /** Clock and randomness. @default {a clock that stands still} */
  readonly runtime?: TestRuntime;
}

/** Keys of a service, a session and a context, and the messages made with them. */
export class Forge {
  /** Clock of the forged messages. */
  readonly runtime: TestRuntime;
  /** The service. */
  readonly service: Principal;
  /** The client that tickets name. */
  readonly client: Principal;
  /** The service's key, version 2. */
  readonly serviceKey: KerberosKey;
  /** Session key in the tickets. */
  readonly sessionKey: KerberosKey;
  /** Subkey in the authenticators. */
  readonly subkey: KerberosKey;
  /** Subkey in the AP-REPs. */
  readonly acceptorSubkey: KerberosKey;
  /** Keytab of the service. */
  readonly keys: Keytab;

  constructor(options: ForgeOptions = {}) {
    const { realm = "A.TEST", client = `alice@${realm}`, enctype = 18, runtime = new TestRuntime() } = options;
    this.runtime = runtime;
    this.service = parsePrincipal(`rcmd/p.a.test@${realm}`);
    this.client = parsePrincipal(client);
    [this.serviceKey, this.sessionKey, this.subkey, this.acceptorSubkey] = [1, 2, 3, 4].map(() =>
      KerberosKey.generate(enctype, runtime)
    ) as [KerberosKey, KerberosKey, KerberosKey, KerberosKey];
    this.keys = new Keytab([{ principal: this.service, kvno: 2, key: this.serviceKey }]);
  }

  /** An acceptor for the service. */
  acceptor(options: Partial<KerberosAcceptorOptions> = {}): KerberosAcceptorCredential {
    return new KerberosAcceptorCredential({ keys: this.keys, runtime: this.runtime, ...options });
  }

  /** A ticket of the client for the service, valid for ten hours from an hour ago. */
  async ticket(changes: TicketChanges = {}): Promise<Ticket> {
    const now = splitTime(this.runtime.now()).time;
    const part = changed<EncTicketPart>({
      flags: 0,
      key: { keytype: this.sessionKey.enctype, keyvalue: this.sessionKey.exportBytes() },
      crealm: this.client.realm,
      cname: toPrincipalName(this.client),
      transited: { trType: 1, contents: EMPTY },
      authtime: now - 3_600_000,
      starttime: now - 3_600_000,
      endtime: now + 9 * 3_600_000,
    }, changes.ticket);
    const {
      rewriteTicket: rewrite = unchanged,
      ticketKey: key = this.serviceKey,
      ticketUsage = KeyUsage.KdcRepTicket,
    } = changes;
    const bytes = rewrite(encode(EncTicketPart, part));
    const kvno = "kvno" in changes ? changes.kvno : 2;
    return changed<Ticket>({
      tktVno: 5,
      realm: this.service.realm,
      sname: toPrincipalName(this.service),
      encPart: {
        etype: key.enctype,
        ...(kvno === undefined ? {} : { kvno }),
        cipher: await key.encrypt(ticketUsage, bytes, this.runtime),
      },
    }, changes.outside);
  }

  /** The authenticator that a correct client sends with the ticket. */
  authenticator({ ticket, authenticator, checksum, rewriteChecksum = unchanged }: RequestChanges = {}): Authenticator {
    const { time, usec } = splitTime(this.runtime.now());
    const sum: AuthenticatorChecksum = changed({ bindings: new Uint8Array(16), flags: ALL_FLAGS }, {
      ...checksum,
      flags: { ...ALL_FLAGS, ...checksum?.flags },
    });
    return changed<Authenticator>({
      authenticatorVno: 5,
      crealm: ticket?.crealm ?? this.client.realm,
      cname: ticket?.cname ?? toPrincipalName(this.client),
      cksum: { cksumtype: GSS_CHECKSUM_TYPE, checksum: rewriteChecksum(encodeAuthenticatorChecksum(sum)) },
      cusec: usec,
      ctime: time,
      subkey: { keytype: this.subkey.enctype, keyvalue: this.subkey.exportBytes() },
      seqNumber: 1000,
    }, authenticator);
  }

  /** The first token of a context. */
  async apReq(changes: RequestChanges = {}): Promise<{ token: Bytes; authenticator: Authenticator }> {
    const { rewriteAuthenticator: rewrite = unchanged, authenticatorKey: key = this.sessionKey } = changes;
    const authenticator = this.authenticator(changes);
    const usage = changes.authenticatorUsage ?? KeyUsage.ApReqAuthenticator;
    const bytes = rewrite(encode(Authenticator, authenticator));
    const mutual = changes.checksum?.flags?.mutual ?? true;
    const message = changed<ApReq>({
      pvno: 5,
      msgType: 14,
      apOptions: mutual ? ApOption.MutualRequired : 0,
      ticket: await this.ticket(changes),
      authenticator: {
        etype: changes.authenticatorEnctype ?? key.enctype,
        cipher: await key.encrypt(usage, bytes, this.runtime),
      },
    }, changes.request);
    return { token: encodeContextToken("AP-REQ", encode(ApReq, message)), authenticator };
  }

  /** Returns a ticket source with this forge's ticket, for an initiator. */
  tickets(changes: TicketChanges = {}): TicketSource {
    const serviceTicket = async (): Promise<ServiceTicket> => ({
      kdcOffset: 0,
      credential: new Credential({
        client: this.client,
        server: this.service,
        key: this.sessionKey,
        authtime: this.runtime.now(),
        endtime: this.runtime.now() + 36_000_000,
        flags: 0,
        ticket: encode(Ticket, await this.ticket(changes)),
      }),
    });
    return { serviceTicket, forwardedTicket: serviceTicket };
  }

  /** Opens the first token of an initiator. */
  async open(token: Uint8Array): Promise<{ request: ApReq; authenticator: Authenticator }> {
    const request = readMessage(ApReq, decodeContextToken(token).message);
    const plain = await this.sessionKey.decrypt(KeyUsage.ApReqAuthenticator, request.authenticator.cipher);
    return { request, authenticator: readMessage(Authenticator, plain) };
  }

  /** The AP-REP to an authenticator. */
  async apRep(to: Authenticator, changes: ReplyChanges = {}): Promise<Bytes> {
    const { rewritePart: rewrite = unchanged, replyKey: key = this.sessionKey } = changes;
    const part = changed<EncApRepPart>({
      ctime: to.ctime,
      cusec: to.cusec,
      subkey: { keytype: this.acceptorSubkey.enctype, keyvalue: this.acceptorSubkey.exportBytes() },
      seqNumber: 2000,
    }, changes.part);
    const bytes = rewrite(encode(EncApRepPart, part));
    const cipher = await key.encrypt(changes.replyUsage ?? KeyUsage.ApRepEncPart, bytes, this.runtime);
    const etype = changes.replyEnctype ?? key.enctype;
    return encodeContextToken("AP-REP", encode(ApRep, { pvno: 5, msgType: 15, encPart: { etype, cipher } }));
  }

  /** A KRB-ERROR, which is not authenticated. */
  krbError(changes: Changes<KrbError> = {}): Bytes {
    const { time, usec } = splitTime(this.runtime.now());
    const message = changed<KrbError>({
      pvno: 5,
      msgType: 30,
      stime: time,
      susec: usec,
      errorCode: 60,
      realm: this.service.realm,
      sname: toPrincipalName(this.service),
    }, changes);
    return encodeContextToken("KRB-ERROR", encode(KrbError, message));
  }
}

/** Leaves the bytes as they are. */
export function unchanged(bytes: Uint8Array): Bytes {
  return asBytes(bytes);
}
