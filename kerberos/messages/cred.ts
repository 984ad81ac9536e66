/**
 * KRB-CRED (RFC 4120 section 5.8): tickets for another host. GSS-API delegates credentials with it.
 *
 * @module
 */
import type { Codec } from "../../asn1/codec.ts";
import { application, explicit, optional, sequence, sequenceOf, vouched } from "../../asn1/types.ts";
import { Ticket } from "./ap.ts";
import {
  EncryptedData,
  EncryptionKey,
  type HostAddress,
  HostAddressCodec,
  HostAddresses,
  KerberosFlags,
  KerberosString,
  KerberosTime,
  messageType,
  Microseconds,
  PrincipalName,
  Pvno,
  UInt32,
} from "./basic.ts";

/** Tickets on their way to another host (section 5.8.1). */
export interface KrbCred {
  readonly pvno: number;
  readonly msgType: number;
  readonly tickets: readonly Ticket[];
  readonly encPart: EncryptedData;
}

/**
 * ```asn1
 * KRB-CRED ::= [APPLICATION 22] SEQUENCE {
 *         pvno            [0] INTEGER (5),
 *         msg-type        [1] INTEGER (22),
 *         tickets         [2] SEQUENCE OF Ticket,
 *         enc-part        [3] EncryptedData -- EncKrbCredPart
 * }
 * ```
 */
export const KrbCred: Codec<KrbCred> = vouched(application(
  22,
  "KRB-CRED",
  sequence<KrbCred>("KRB-CRED", {
    pvno: explicit(0, Pvno),
    msgType: explicit(1, messageType(22)),
    tickets: explicit(2, sequenceOf("tickets", Ticket, 64)),
    encPart: explicit(3, EncryptedData),
  }),
));

/** Session key and facts of one ticket (section 5.8.1). */
interface KrbCredInfo {
  readonly key: EncryptionKey;
  readonly prealm?: string;
  readonly pname?: PrincipalName;
  readonly flags?: number;
  readonly authtime?: number;
  readonly starttime?: number;
  readonly endtime?: number;
  readonly renewTill?: number;
  readonly srealm?: string;
  readonly sname?: PrincipalName;
  readonly caddr?: readonly HostAddress[];
}

/**
 * ```asn1
 * KrbCredInfo ::= SEQUENCE {
 *         key             [0] EncryptionKey,
 *         prealm          [1] Realm OPTIONAL,
 *         pname           [2] PrincipalName OPTIONAL,
 *         flags           [3] TicketFlags OPTIONAL,
 *         authtime        [4] KerberosTime OPTIONAL,
 *         starttime       [5] KerberosTime OPTIONAL,
 *         endtime         [6] KerberosTime OPTIONAL,
 *         renew-till      [7] KerberosTime OPTIONAL,
 *         srealm          [8] Realm OPTIONAL,
 *         sname           [9] PrincipalName OPTIONAL,
 *         caddr           [10] HostAddresses OPTIONAL
 * }
 * ```
 */
const KrbCredInfo: Codec<KrbCredInfo> = sequence<KrbCredInfo>("KrbCredInfo", {
  key: explicit(0, EncryptionKey),
  prealm: optional(explicit(1, KerberosString)),
  pname: optional(explicit(2, PrincipalName)),
  flags: optional(explicit(3, KerberosFlags)),
  authtime: optional(explicit(4, KerberosTime)),
  starttime: optional(explicit(5, KerberosTime)),
  endtime: optional(explicit(6, KerberosTime)),
  renewTill: optional(explicit(7, KerberosTime)),
  srealm: optional(explicit(8, KerberosString)),
  sname: optional(explicit(9, PrincipalName)),
  caddr: optional(explicit(10, HostAddresses)),
});

/** Session keys and facts of the tickets, in their order (section 5.8.1). */
export interface EncKrbCredPart {
  readonly ticketInfo: readonly KrbCredInfo[];
  readonly nonce?: number;
  readonly timestamp?: number;
  readonly usec?: number;
  readonly sAddress?: HostAddress;
  readonly rAddress?: HostAddress;
}

/**
 * ```asn1
 * EncKrbCredPart ::= [APPLICATION 29] SEQUENCE {
 *         ticket-info     [0] SEQUENCE OF KrbCredInfo,
 *         nonce           [1] UInt32 OPTIONAL,
 *         timestamp       [2] KerberosTime OPTIONAL,
 *         usec            [3] Microseconds OPTIONAL,
 *         s-address       [4] HostAddress OPTIONAL,
 *         r-address       [5] HostAddress OPTIONAL
 * }
 * ```
 */
export const EncKrbCredPart: Codec<EncKrbCredPart> = vouched(application(
  29,
  "EncKrbCredPart",
  sequence<EncKrbCredPart>("EncKrbCredPart", {
    ticketInfo: explicit(0, sequenceOf("ticket-info", KrbCredInfo, 64)),
    nonce: optional(explicit(1, UInt32)),
    timestamp: optional(explicit(2, KerberosTime)),
    usec: optional(explicit(3, Microseconds)),
    sAddress: optional(explicit(4, HostAddressCodec)),
    rAddress: optional(explicit(5, HostAddressCodec)),
  }),
));
