/**
 * Context tokens (RFC 4121 section 4.1): a Kerberos message with two bytes in front that say which, in the frame of RFC 2743
 * section 3.1.
 *
 * @module
 */
import { Asn1Error } from "../../../asn1/codec.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { decodeInitialToken, encodeInitialToken } from "../../../gss/initial_token.ts";
import { GssError } from "../../../gss/status.ts";
import { defective, unexpectedMessage } from "./errors.ts";

/** Kerberos V5 (RFC 1964 section 1). */
export const KERBEROS_OID = "1.2.840.113554.1.2.2";

/** Kind of a context token (RFC 4121 section 4.1). */
export type ContextTokenId = "AP-REQ" | "AP-REP" | "KRB-ERROR";

const CONTEXT_TOKENS: Readonly<Record<ContextTokenId, number>> = {
  "AP-REQ": 0x0100,
  "AP-REP": 0x0200,
  "KRB-ERROR": 0x0300,
};

/** Encodes a Kerberos message as a context token. */
export function encodeContextToken(id: ContextTokenId, message: Uint8Array): Bytes {
  const inner = new Uint8Array(2 + message.length);
  inner[0] = CONTEXT_TOKENS[id] >> 8;
  inner[1] = CONTEXT_TOKENS[id] & 0xff;
  inner.set(message, 2);
  return encodeInitialToken(KERBEROS_OID, inner);
}

/**
 * Decodes a context token.
 *
 * @throws {GssError} `BAD_MECH` for another mechanism, `DEFECTIVE_TOKEN` for any other defect, with the code
 * `KRB_AP_ERR_MSG_TYPE` if the kind of token is unknown.
 */
export function decodeContextToken(token: Uint8Array): { id: ContextTokenId; message: Bytes } {
  let framed;
  try {
    framed = decodeInitialToken(token);
  } catch (cause) {
    if (cause instanceof Asn1Error) throw defective(cause.message, cause);
    throw cause;
  }
  if (framed.mechanism !== KERBEROS_OID) {
    throw new GssError(`Cannot use token: it is for mechanism ${framed.mechanism}, ${KERBEROS_OID} is wanted`, {
      major: "BAD_MECH",
      code: "BAD_MECH",
    });
  }
  const [high, low] = framed.inner;
  if (high === undefined || low === undefined) throw defective("Cannot read token: it is empty");
  const number = (high << 8) | low;
  for (const id of Object.keys(CONTEXT_TOKENS) as ContextTokenId[]) {
    if (CONTEXT_TOKENS[id] === number) return { id, message: framed.inner.subarray(2) };
  }
  throw unexpectedMessage(`Cannot use token: identifier 0x${number.toString(16).padStart(4, "0")} is not known`);
}
