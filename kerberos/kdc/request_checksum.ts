/**
 * The authenticator's checksum over the body of a TGS-REQ (RFC 4120 section 5.2.7.1).
 *
 * @module
 */
import type { Codec } from "../../asn1/codec.ts";
import { anyElement, application, explicit, integer, optional, sequence } from "../../asn1/types.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { KerberosKey } from "../crypto/key.ts";
import type { Authenticator } from "../messages/ap.ts";
import { MethodData, type PaData, Pvno } from "../messages/basic.ts";
import { readMessage } from "../messages/read.ts";
import type { KerberosErrorName } from "../registry/errors.ts";
import { KeyUsage } from "../registry/key_usages.ts";

/** A request and the authenticator that covers it. */
export interface CoveredRequest {
  /** The authenticator. */
  readonly authenticator: Authenticator;
  /** Key of the checksum. */
  readonly sessionKey: KerberosKey;
  /** The request as it came. */
  readonly message: Bytes;
}

/** Checksums without a key, which anyone can make (RFC 3961 sections 6.1 and 8; CVE-2018-16860). */
const UNKEYED: ReadonlySet<number> = new Set([1, 2, 7, 10, 14]);

/** Returns the error for a request whose checksum is missing or wrong; `undefined` if it is right. */
export async function requestFault(
  { authenticator: { cksum }, sessionKey, message }: CoveredRequest,
): Promise<KerberosErrorName | undefined> {
  if (cksum === undefined || UNKEYED.has(cksum.cksumtype)) return "KRB_AP_ERR_INAPP_CKSUM";
  if (cksum.cksumtype !== sessionKey.checksumType) return "KDC_ERR_SUMTYPE_NOSUPP";
  const usage = KeyUsage.TgsReqAuthenticatorChecksum;
  const right = await sessionKey.verifyChecksum(usage, bodyAsReceived(message), cksum.checksum);
  return right ? undefined : "KRB_AP_ERR_MODIFIED";
}

/** A request whose body stays encoded. */
interface RawRequest {
  readonly pvno: number;
  readonly msgType: number;
  readonly padata?: readonly PaData[];
  readonly reqBody: Bytes;
}

const RawTgsReq: Codec<RawRequest> = application(
  12,
  "TGS-REQ",
  sequence<RawRequest>("TGS-REQ", {
    pvno: explicit(1, Pvno),
    msgType: explicit(2, integer("msg-type", 12, 12)),
    padata: optional(explicit(3, MethodData)),
    reqBody: explicit(4, anyElement),
  }),
);

/** Returns the bytes that the checksum covers: the body as it came, since senders encode flags and numbers in several ways. */
function bodyAsReceived(message: Bytes): Bytes {
  return readMessage(RawTgsReq, message).reqBody;
}
