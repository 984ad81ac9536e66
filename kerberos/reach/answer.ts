/**
 * Whether a KDC's message is an answer, or a reason to ask the next KDC.
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
 * Verdict on a message:
 *
 * - `good`: it is an answer.
 * - `too big`: it says that the reply is too large for UDP.
 * - `unavailable`: it says that there is no service now.
 * - `of another realm`: it is another realm's error that a name is unknown; it counts if there is no better answer.
 */
export type AnswerKind = "good" | "too big" | "unavailable" | "of another realm";

/** A request to a KDC. */
export interface JudgedRequest {
  /** Realm of the KDC. */
  readonly realm: string;
  /** DER of the request. */
  readonly message: Bytes;
}

/**
 * Judges a KDC's message.
 *
 * @throws {KerberosError} `BAD_MESSAGE` if it is not whole, or of no type that answers the request.
 */
export function judgeAnswer(answer: Bytes, { realm, message }: JudgedRequest): AnswerKind {
  if (applicationTag(answer) !== KRB_ERROR) {
    readMessage(applicationTag(message) === TGS_REQ ? TgsRep : AsRep, answer);
    return "good";
  }
  const error = readMessage(KrbError, answer);
  if (error.errorCode === ErrorCode.KRB_ERR_RESPONSE_TOO_BIG) return "too big";
  if (error.errorCode === ErrorCode.KDC_ERR_SVC_UNAVAILABLE) return "unavailable";
  // A KDC that has looked up the client, or checked its secret, knows it, whatever it calls its realm (a short name, other capitals):
  // to prove the secret to all other KDCs as well may lock the client out.
  const known = !UNKNOWN.some((code) => code === error.errorCode);
  return known || error.realm.toUpperCase() === realm.toUpperCase() ? "good" : "of another realm";
}

/** Errors of a KDC that does not know the client, the service or their realm. */
const UNKNOWN: readonly number[] = [
  ErrorCode.KDC_ERR_C_PRINCIPAL_UNKNOWN,
  ErrorCode.KDC_ERR_S_PRINCIPAL_UNKNOWN,
  ErrorCode.KDC_ERR_WRONG_REALM,
];

/** Application tags (RFC 4120 section 5.10). */
const TGS_REQ = 12;
const KRB_ERROR = 30;
