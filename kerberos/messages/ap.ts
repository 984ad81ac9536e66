/**
 * Tickets (RFC 4120 section 5.3) and the client/server exchange (section 5.5).
 *
 * @module
 */
import type { Codec } from "../../asn1/codec.ts";
import { application, explicit, octetString, optional, sequence, vouched } from "../../asn1/types.ts";
import type { Bytes } from "../../base/bytes.ts";
import {
  AuthorizationData,
  type AuthorizationDataElement,
  Checksum,
  EncryptedData,
  EncryptionKey,
  type HostAddress,
  HostAddresses,
  Int32,
  KerberosFlags,
  KerberosString,
  KerberosTime,
  messageType,
  Microseconds,
  PrincipalName,
  Pvno,
  UInt32,
} from "./basic.ts";

/** A ticket (section 5.3). */
export interface Ticket {
  readonly tktVno: number;
  readonly realm: string;
  readonly sname: PrincipalName;
  readonly encPart: EncryptedData;
}

/**
 * ```asn1
 * Ticket ::= [APPLICATION 1] SEQUENCE {
 *         tkt-vno         [0] INTEGER (5),
 *         realm           [1] Realm,
 *         sname           [2] PrincipalName,
 *         enc-part        [3] EncryptedData -- EncTicketPart
 * }
 * ```
 */
export const Ticket: Codec<Ticket> = application(
  1,
  "Ticket",
  sequence<Ticket>("Ticket", {
    tktVno: explicit(0, Pvno),
    realm: explicit(1, KerberosString),
    sname: explicit(2, PrincipalName),
    encPart: explicit(3, EncryptedData),
  }),
);

/** The realms on the path of a ticket's client (section 5.3). */
export interface TransitedEncoding {
  readonly trType: number;
  readonly contents: Bytes;
}

/**
 * ```asn1
 * TransitedEncoding ::= SEQUENCE {
 *         tr-type         [0] Int32 -- must be registered --,
 *         contents        [1] OCTET STRING
 * }
 * ```
 */
export const TransitedEncoding: Codec<TransitedEncoding> = sequence<TransitedEncoding>("TransitedEncoding", {
  trType: explicit(0, Int32),
  contents: explicit(1, octetString),
});

/** The part of a ticket that is sealed for the service (section 5.3). */
export interface EncTicketPart {
  readonly flags: number;
  readonly key: EncryptionKey;
  readonly crealm: string;
  readonly cname: PrincipalName;
  readonly transited: TransitedEncoding;
  readonly authtime: number;
  readonly starttime?: number;
  readonly endtime: number;
  readonly renewTill?: number;
  readonly caddr?: readonly HostAddress[];
  readonly authorizationData?: readonly AuthorizationDataElement[];
}

/**
 * ```asn1
 * EncTicketPart ::= [APPLICATION 3] SEQUENCE {
 *         flags                   [0] TicketFlags,
 *         key                     [1] EncryptionKey,
 *         crealm                  [2] Realm,
 *         cname                   [3] PrincipalName,
 *         transited               [4] TransitedEncoding,
 *         authtime                [5] KerberosTime,
 *         starttime               [6] KerberosTime OPTIONAL,
 *         endtime                 [7] KerberosTime,
 *         renew-till              [8] KerberosTime OPTIONAL,
 *         caddr                   [9] HostAddresses OPTIONAL,
 *         authorization-data      [10] AuthorizationData OPTIONAL
 * }
 * ```
 */
export const EncTicketPart: Codec<EncTicketPart> = vouched(application(
  3,
  "EncTicketPart",
  sequence<EncTicketPart>("EncTicketPart", {
    flags: explicit(0, KerberosFlags),
    key: explicit(1, EncryptionKey),
    crealm: explicit(2, KerberosString),
    cname: explicit(3, PrincipalName),
    transited: explicit(4, TransitedEncoding),
    authtime: explicit(5, KerberosTime),
    starttime: optional(explicit(6, KerberosTime)),
    endtime: explicit(7, KerberosTime),
    renewTill: optional(explicit(8, KerberosTime)),
    caddr: optional(explicit(9, HostAddresses)),
    authorizationData: optional(explicit(10, AuthorizationData)),
  }),
));

/** Request of a client to a service (section 5.5.1). */
export interface ApReq {
  readonly pvno: number;
  readonly msgType: number;
  readonly apOptions: number;
  readonly ticket: Ticket;
  readonly authenticator: EncryptedData;
}

/**
 * ```asn1
 * AP-REQ ::= [APPLICATION 14] SEQUENCE {
 *         pvno            [0] INTEGER (5),
 *         msg-type        [1] INTEGER (14),
 *         ap-options      [2] APOptions,
 *         ticket          [3] Ticket,
 *         authenticator   [4] EncryptedData -- Authenticator
 * }
 * ```
 */
export const ApReq: Codec<ApReq> = application(
  14,
  "AP-REQ",
  sequence<ApReq>("AP-REQ", {
    pvno: explicit(0, Pvno),
    msgType: explicit(1, messageType(14)),
    apOptions: explicit(2, KerberosFlags),
    ticket: explicit(3, Ticket),
    authenticator: explicit(4, EncryptedData),
  }),
);

/** Proof that the sender knows the session key (section 5.5.1). */
export interface Authenticator {
  readonly authenticatorVno: number;
  readonly crealm: string;
  readonly cname: PrincipalName;
  readonly cksum?: Checksum;
  readonly cusec: number;
  readonly ctime: number;
  readonly subkey?: EncryptionKey;
  readonly seqNumber?: number;
  readonly authorizationData?: readonly AuthorizationDataElement[];
}

/**
 * ```asn1
 * Authenticator ::= [APPLICATION 2] SEQUENCE  {
 *         authenticator-vno       [0] INTEGER (5),
 *         crealm                  [1] Realm,
 *         cname                   [2] PrincipalName,
 *         cksum                   [3] Checksum OPTIONAL,
 *         cusec                   [4] Microseconds,
 *         ctime                   [5] KerberosTime,
 *         subkey                  [6] EncryptionKey OPTIONAL,
 *         seq-number              [7] UInt32 OPTIONAL,
 *         authorization-data      [8] AuthorizationData OPTIONAL
 * }
 * ```
 */
export const Authenticator: Codec<Authenticator> = vouched(application(
  2,
  "Authenticator",
  sequence<Authenticator>("Authenticator", {
    authenticatorVno: explicit(0, Pvno),
    crealm: explicit(1, KerberosString),
    cname: explicit(2, PrincipalName),
    cksum: optional(explicit(3, Checksum)),
    cusec: explicit(4, Microseconds),
    ctime: explicit(5, KerberosTime),
    subkey: optional(explicit(6, EncryptionKey)),
    seqNumber: optional(explicit(7, UInt32)),
    authorizationData: optional(explicit(8, AuthorizationData)),
  }),
));

/** Reply of the service (section 5.5.2). */
export interface ApRep {
  readonly pvno: number;
  readonly msgType: number;
  readonly encPart: EncryptedData;
}

/**
 * ```asn1
 * AP-REP ::= [APPLICATION 15] SEQUENCE {
 *         pvno            [0] INTEGER (5),
 *         msg-type        [1] INTEGER (15),
 *         enc-part        [2] EncryptedData -- EncAPRepPart
 * }
 * ```
 */
export const ApRep: Codec<ApRep> = application(
  15,
  "AP-REP",
  sequence<ApRep>("AP-REP", {
    pvno: explicit(0, Pvno),
    msgType: explicit(1, messageType(15)),
    encPart: explicit(2, EncryptedData),
  }),
);

/** The service's proof that it knows the session key (section 5.5.2). */
export interface EncApRepPart {
  readonly ctime: number;
  readonly cusec: number;
  readonly subkey?: EncryptionKey;
  readonly seqNumber?: number;
}

/**
 * ```asn1
 * EncAPRepPart ::= [APPLICATION 27] SEQUENCE {
 *         ctime           [0] KerberosTime,
 *         cusec           [1] Microseconds,
 *         subkey          [2] EncryptionKey OPTIONAL,
 *         seq-number      [3] UInt32 OPTIONAL
 * }
 * ```
 */
export const EncApRepPart: Codec<EncApRepPart> = application(
  27,
  "EncAPRepPart",
  sequence<EncApRepPart>("EncAPRepPart", {
    ctime: explicit(0, KerberosTime),
    cusec: explicit(1, Microseconds),
    subkey: optional(explicit(2, EncryptionKey)),
    seqNumber: optional(explicit(3, UInt32)),
  }),
);
