/**
 * Whether what a KDC sent is an answer, or a reason to ask the next one.
 *
 * @module
 */
import { applicationTag } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { ErrorCode } from "../registry/errors.ts";
import { KrbError } from "../messages/error.ts";
import { AsRep, TgsRep } from "../messages/kdc.ts";
import { readMessage } from "../messages/read.ts";

/**
 * What an answer is good for: it is one (`good`); it says that the reply is too large for UDP (`too big`), or that there is no
 * service now (`unavailable`); or another realm's, that it knows nobody of these (`of another realm`), which may be all that there is.
 */
export type AnswerKind = "good" | "too big" | "unavailable" | "of another realm";

/** What was asked. */
export interface AskedOfKdc {
  /** Realm whose KDC was asked. */
  readonly realm: string;
  /** DER of the request. */
  readonly message: Bytes;
}

/**
 * Judges an answer.
 *
 * @throws {KerberosError} `BAD_MESSAGE` when it is none: not whole, or no message that answers the request.
 */
export function judgeAnswer(answer: Bytes, { realm, message }: AskedOfKdc): AnswerKind {
  if (applicationTag(answer) !== KRB_ERROR) {
    readMessage(applicationTag(message) === TGS_REQ ? TgsRep : AsRep, answer);
    return "good";
  }
  const error = readMessage(KrbError, answer);
  if (error.errorCode === ErrorCode.KRB_ERR_RESPONSE_TOO_BIG) return "too big";
  if (error.errorCode === ErrorCode.KDC_ERR_SVC_UNAVAILABLE) return "unavailable";
  // Who has looked a client up, or a proof of its secret, knows it, by whatever name its realm goes with him (a short one, or in other
  // letters): to prove the same to all the others as well may lock the client out.
  const known = !UNKNOWN.some((code) => code === error.errorCode);
  return known || error.realm.toUpperCase() === realm.toUpperCase() ? "good" : "of another realm";
}

/** What somebody says who knows nothing of the client or the service, or of their realm. */
const UNKNOWN: readonly number[] = [
  ErrorCode.KDC_ERR_C_PRINCIPAL_UNKNOWN,
  ErrorCode.KDC_ERR_S_PRINCIPAL_UNKNOWN,
  ErrorCode.KDC_ERR_WRONG_REALM,
];

/** Application tags (RFC 4120 section 5.10). */
const TGS_REQ = 12;
const KRB_ERROR = 30;
