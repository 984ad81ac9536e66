/**
 * KRB-ERROR (RFC 4120 section 5.9.1).
 *
 * @module
 */
import type { Codec } from "../../asn1/codec.ts";
import { application, explicit, octetString, optional, sequence } from "../../asn1/types.ts";
import type { Bytes } from "../../base/bytes.ts";
import {
  ErrorText,
  Int32,
  KerberosString,
  KerberosTime,
  messageType,
  Microseconds,
  PrincipalName,
  Pvno,
} from "./basic.ts";

/** A refusal by a KDC or a service. Nothing authenticates it. */
export interface KrbError {
  readonly pvno: number;
  readonly msgType: number;
  readonly ctime?: number;
  readonly cusec?: number;
  readonly stime: number;
  readonly susec: number;
  readonly errorCode: number;
  readonly crealm?: string;
  readonly cname?: PrincipalName;
  readonly realm: string;
  readonly sname: PrincipalName;
  readonly eText?: string;
  readonly eData?: Bytes;
}

/**
 * ```asn1
 * KRB-ERROR ::= [APPLICATION 30] SEQUENCE {
 *         pvno            [0] INTEGER (5),
 *         msg-type        [1] INTEGER (30),
 *         ctime           [2] KerberosTime OPTIONAL,
 *         cusec           [3] Microseconds OPTIONAL,
 *         stime           [4] KerberosTime,
 *         susec           [5] Microseconds,
 *         error-code      [6] Int32,
 *         crealm          [7] Realm OPTIONAL,
 *         cname           [8] PrincipalName OPTIONAL,
 *         realm           [9] Realm -- service realm --,
 *         sname           [10] PrincipalName -- service name --,
 *         e-text          [11] KerberosString OPTIONAL,
 *         e-data          [12] OCTET STRING OPTIONAL
 * }
 * ```
 */
export const KrbError: Codec<KrbError> = application(
  30,
  "KRB-ERROR",
  sequence<KrbError>("KRB-ERROR", {
    pvno: explicit(0, Pvno),
    msgType: explicit(1, messageType(30)),
    ctime: optional(explicit(2, KerberosTime)),
    cusec: optional(explicit(3, Microseconds)),
    stime: explicit(4, KerberosTime),
    susec: explicit(5, Microseconds),
    errorCode: explicit(6, Int32),
    crealm: optional(explicit(7, KerberosString)),
    cname: optional(explicit(8, PrincipalName)),
    realm: explicit(9, KerberosString),
    sname: explicit(10, PrincipalName),
    eText: optional(explicit(11, ErrorText)),
    eData: optional(explicit(12, octetString)),
  }),
);
