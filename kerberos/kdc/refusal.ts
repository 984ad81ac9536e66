/**
 * How the embedded KDC says no (RFC 4120 section 5.9.1).
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { ErrorCode, type KerberosErrorName } from "../registry/errors.ts";
import type { PrincipalName } from "../messages/basic.ts";
import { KrbError } from "../messages/error.ts";
import { splitTime } from "../messages/time.ts";
import { krbtgt, toPrincipalName } from "../principal.ts";
import type { KdcRealm } from "./realm.ts";

/** Thrown where a request is refused; becomes a KRB-ERROR. */
export class Refusal extends Error {
  /** Name of the error. */
  readonly code: KerberosErrorName;
  /** Its e-data. */
  readonly data: Bytes | undefined;

  /**
   * Makes one.
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

/** Whose request is refused. */
export interface RefusedRequest {
  readonly cname?: PrincipalName | undefined;
  readonly sname?: PrincipalName | undefined;
}

/** A KRB-ERROR. */
export function encodeRefusal(realm: KdcRealm, code: number, request: RefusedRequest, data?: Bytes): Bytes {
  const { time, usec } = splitTime(realm.now());
  return encode(KrbError, {
    pvno: 5,
    msgType: 30,
    stime: time,
    susec: usec,
    errorCode: code,
    ...(request.cname === undefined ? {} : { crealm: realm.name, cname: request.cname }),
    realm: realm.name,
    sname: request.sname ?? toPrincipalName(krbtgt(realm.name)),
    ...(data === undefined ? {} : { eData: data }),
  });
}

/** The KRB-ERROR of a refusal. */
export function refusalMessage(realm: KdcRealm, refusal: Refusal, request: RefusedRequest): Bytes {
  return encodeRefusal(realm, ErrorCode[refusal.code], request, refusal.data);
}
