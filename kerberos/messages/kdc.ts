/**
 * The authentication service and ticket-granting service exchanges (RFC 4120 section 5.4).
 *
 * @module
 */
import type { Codec } from "../../asn1/codec.ts";
import { application, explicit, optional, rarelyWritten, sequence, sequenceOf, vouched } from "../../asn1/types.ts";
import { Ticket } from "./ap.ts";
import {
  EncryptedData,
  EncryptionKey,
  type HostAddress,
  HostAddresses,
  Int32,
  KerberosFlags,
  KerberosString,
  KerberosTime,
  messageType,
  MethodData,
  type PaData,
  PrincipalName,
  Pvno,
  UInt32,
} from "./basic.ts";

/** Body of a request to a KDC (section 5.4.1). */
export interface KdcReqBody {
  readonly kdcOptions: number;
  readonly cname?: PrincipalName;
  readonly realm: string;
  readonly sname?: PrincipalName;
  readonly from?: number;
  readonly till: number;
  readonly rtime?: number;
  readonly nonce: number;
  readonly etype: readonly number[];
  readonly addresses?: readonly HostAddress[];
  readonly encAuthorizationData?: EncryptedData;
  readonly additionalTickets?: readonly Ticket[];
}

/**
 * ```asn1
 * KDC-REQ-BODY ::= SEQUENCE {
 *         kdc-options             [0] KDCOptions,
 *         cname                   [1] PrincipalName OPTIONAL,
 *         realm                   [2] Realm,
 *         sname                   [3] PrincipalName OPTIONAL,
 *         from                    [4] KerberosTime OPTIONAL,
 *         till                    [5] KerberosTime,
 *         rtime                   [6] KerberosTime OPTIONAL,
 *         nonce                   [7] UInt32,
 *         etype                   [8] SEQUENCE OF Int32,
 *         addresses               [9] HostAddresses OPTIONAL,
 *         enc-authorization-data  [10] EncryptedData OPTIONAL,
 *         additional-tickets      [11] SEQUENCE OF Ticket OPTIONAL
 * }
 * ```
 */
export const KdcReqBody: Codec<KdcReqBody> = sequence<KdcReqBody>("KDC-REQ-BODY", {
  kdcOptions: explicit(0, KerberosFlags),
  cname: optional(explicit(1, PrincipalName)),
  realm: explicit(2, KerberosString),
  sname: optional(explicit(3, PrincipalName)),
  from: optional(explicit(4, KerberosTime)),
  till: explicit(5, KerberosTime),
  rtime: optional(explicit(6, KerberosTime)),
  nonce: explicit(7, UInt32),
  etype: explicit(8, sequenceOf("etype", Int32, 128)),
  addresses: optional(explicit(9, HostAddresses)),
  encAuthorizationData: optional(explicit(10, EncryptedData)),
  additionalTickets: optional(explicit(11, sequenceOf("additional-tickets", Ticket, 8))),
});

/** Request to a KDC (section 5.4.1). */
export interface KdcReq {
  readonly pvno: number;
  readonly msgType: number;
  readonly padata?: readonly PaData[];
  readonly reqBody: KdcReqBody;
}

/**
 * ```asn1
 * AS-REQ  ::= [APPLICATION 10] KDC-REQ
 * TGS-REQ ::= [APPLICATION 12] KDC-REQ
 * KDC-REQ ::= SEQUENCE {
 *         -- NOTE: first tag is [1], not [0]
 *         pvno            [1] INTEGER (5),
 *         msg-type        [2] INTEGER (10 -- AS -- | 12 -- TGS --),
 *         padata          [3] SEQUENCE OF PA-DATA OPTIONAL,
 *         req-body        [4] KDC-REQ-BODY
 * }
 * ```
 */
function kdcReq(name: string, number: number): Codec<KdcReq> {
  return application(
    number,
    name,
    sequence<KdcReq>(name, {
      pvno: explicit(1, Pvno),
      msgType: explicit(2, messageType(number)),
      padata: optional(explicit(3, MethodData)),
      reqBody: explicit(4, KdcReqBody),
    }),
  );
}

/** Initial request. */
export const AsReq: Codec<KdcReq> = kdcReq("AS-REQ", 10);
/** Request with a ticket-granting ticket. */
export const TgsReq: Codec<KdcReq> = rarelyWritten(kdcReq("TGS-REQ", 12));

/** Reply of a KDC (section 5.4.2). */
export interface KdcRep {
  readonly pvno: number;
  readonly msgType: number;
  readonly padata?: readonly PaData[];
  readonly crealm: string;
  readonly cname: PrincipalName;
  readonly ticket: Ticket;
  readonly encPart: EncryptedData;
}

/**
 * ```asn1
 * AS-REP  ::= [APPLICATION 11] KDC-REP
 * TGS-REP ::= [APPLICATION 13] KDC-REP
 * KDC-REP ::= SEQUENCE {
 *         pvno            [0] INTEGER (5),
 *         msg-type        [1] INTEGER (11 -- AS -- | 13 -- TGS --),
 *         padata          [2] SEQUENCE OF PA-DATA OPTIONAL,
 *         crealm          [3] Realm,
 *         cname           [4] PrincipalName,
 *         ticket          [5] Ticket,
 *         enc-part        [6] EncryptedData -- EncASRepPart or EncTGSRepPart
 * }
 * ```
 */
function kdcRep(name: string, number: number): Codec<KdcRep> {
  return application(
    number,
    name,
    sequence<KdcRep>(name, {
      pvno: explicit(0, Pvno),
      msgType: explicit(1, messageType(number)),
      padata: optional(explicit(2, MethodData)),
      crealm: explicit(3, KerberosString),
      cname: explicit(4, PrincipalName),
      ticket: explicit(5, Ticket),
      encPart: explicit(6, EncryptedData),
    }),
  );
}

/** Reply to AS-REQ. */
export const AsRep: Codec<KdcRep> = vouched(kdcRep("AS-REP", 11));
/** Reply to TGS-REQ. */
export const TgsRep: Codec<KdcRep> = vouched(kdcRep("TGS-REP", 13));

/** Time of the last request of some kind (section 5.4.2). */
interface LastReqEntry {
  readonly lrType: number;
  readonly lrValue: number;
}

/**
 * ```asn1
 * LastReq ::= SEQUENCE OF SEQUENCE {
 *         lr-type         [0] Int32,
 *         lr-value        [1] KerberosTime
 * }
 * ```
 */
const LastReq: Codec<readonly LastReqEntry[]> = sequenceOf(
  "LastReq",
  sequence<LastReqEntry>("LastReq", { lrType: explicit(0, Int32), lrValue: explicit(1, KerberosTime) }),
  64,
);

/** The part of a reply that is sealed for the client (section 5.4.2, RFC 6806 section 11). */
export interface EncKdcRepPart {
  readonly key: EncryptionKey;
  readonly lastReq: readonly LastReqEntry[];
  readonly nonce: number;
  readonly keyExpiration?: number;
  readonly flags: number;
  readonly authtime: number;
  readonly starttime?: number;
  readonly endtime: number;
  readonly renewTill?: number;
  readonly srealm: string;
  readonly sname: PrincipalName;
  readonly caddr?: readonly HostAddress[];
  readonly encryptedPaData?: readonly PaData[];
}

/**
 * ```asn1
 * EncASRepPart  ::= [APPLICATION 25] EncKDCRepPart
 * EncTGSRepPart ::= [APPLICATION 26] EncKDCRepPart
 * EncKDCRepPart ::= SEQUENCE {
 *         key             [0] EncryptionKey,
 *         last-req        [1] LastReq,
 *         nonce           [2] UInt32,
 *         key-expiration  [3] KerberosTime OPTIONAL,
 *         flags           [4] TicketFlags,
 *         authtime        [5] KerberosTime,
 *         starttime       [6] KerberosTime OPTIONAL,
 *         endtime         [7] KerberosTime,
 *         renew-till      [8] KerberosTime OPTIONAL,
 *         srealm          [9] Realm,
 *         sname           [10] PrincipalName,
 *         caddr           [11] HostAddresses OPTIONAL,
 *         encrypted-pa-data [12] SEQUENCE OF PA-DATA OPTIONAL -- RFC 6806
 * }
 * ```
 */
function encKdcRepPart(name: string, number: number): Codec<EncKdcRepPart> {
  return application(
    number,
    name,
    sequence<EncKdcRepPart>(name, {
      key: explicit(0, EncryptionKey),
      lastReq: explicit(1, LastReq),
      nonce: explicit(2, UInt32),
      keyExpiration: optional(explicit(3, KerberosTime)),
      flags: explicit(4, KerberosFlags),
      authtime: explicit(5, KerberosTime),
      starttime: optional(explicit(6, KerberosTime)),
      endtime: explicit(7, KerberosTime),
      renewTill: optional(explicit(8, KerberosTime)),
      srealm: explicit(9, KerberosString),
      sname: explicit(10, PrincipalName),
      caddr: optional(explicit(11, HostAddresses)),
      encryptedPaData: optional(explicit(12, MethodData)),
    }),
  );
}

/** Encrypted part of AS-REP. Some KDCs put {@linkcode EncTgsRepPart} there (section 5.4.2). */
export const EncAsRepPart: Codec<EncKdcRepPart> = vouched(encKdcRepPart("EncASRepPart", 25));
/** Encrypted part of TGS-REP. */
export const EncTgsRepPart: Codec<EncKdcRepPart> = vouched(encKdcRepPart("EncTGSRepPart", 26));
