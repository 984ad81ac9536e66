/**
 * How the embedded KDC refuses a request: a {@linkcode Refusal} is thrown and becomes a KRB-ERROR (RFC 4120 section 5.9.1).
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { PrincipalName } from "../messages/basic.ts";
import { KrbError } from "../messages/error.ts";
import { splitTime } from "../messages/time.ts";
import { krbtgt, toPrincipalName } from "../principal.ts";
import type { KerberosErrorName } from "../registry/errors.ts";
import type { KdcRealm } from "./realm.ts";

/** Thrown where a request is refused. */
export class Refusal extends Error {
  /** Name of the error. */
  readonly code: KerberosErrorName;
  /** Its e-data. */
  readonly data: Bytes | undefined;

  /**
   * Creates a refusal.
   *
   * @param code Name of the error.
   * @param data Its e-data.
   */
  constructor(code: KerberosErrorName, data?: Bytes) {
    super(code);
    this.code = code;
    this.data = data;
  }
}

/** Input of {@linkcode encodeKrbError}. */
interface KrbErrorInit {
  /** Error code. */
  readonly errorCode: number;
  /** Data of the error. */
  readonly eData?: Bytes | undefined;
  /** Client of the request. */
  readonly cname?: PrincipalName | undefined;
  /** Service of the request. @default {the realm's ticket-granting service} */
  readonly sname?: PrincipalName | undefined;
}

/** Returns a KRB-ERROR of a realm's KDC, with its time. */
export function encodeKrbError(realm: KdcRealm, { errorCode, eData, cname, sname }: KrbErrorInit): Bytes {
  const { time, usec } = splitTime(realm.now());
  return encode(KrbError, {
    pvno: 5,
    msgType: 30,
    stime: time,
    susec: usec,
    errorCode,
    ...(cname === undefined ? {} : { crealm: realm.name, cname }),
    realm: realm.name,
    sname: sname ?? toPrincipalName(krbtgt(realm.name)),
    ...(eData === undefined ? {} : { eData }),
  });
}
