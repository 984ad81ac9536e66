/**
 * The embedded KDC as a function: the bytes of a request in, the bytes of a reply out.
 *
 * @module
 */
import { applicationTag } from "../../asn1/codec.ts";
import { type Bytes, copyBytes } from "../../base/bytes.ts";
import { readMessage } from "../messages/read.ts";
import { ErrorCode } from "../registry/errors.ts";
import { KerberosError } from "../errors.ts";
import { AsReq, type KdcReq, TgsReq } from "../messages/kdc.ts";
import { handleAsReq } from "./as.ts";
import type { KdcRealm } from "./realm.ts";
import { encodeKrbError, Refusal } from "./refusal.ts";
import { handleTgsReq } from "./tgs.ts";

/** Options of {@linkcode handleKdcMessage}. */
export interface HandleOptions {
  /** Transport of the request. Over UDP a long reply becomes `KRB_ERR_RESPONSE_TOO_BIG`. @default {"tcp"} */
  readonly transport?: "tcp" | "udp" | undefined;
}

/**
 * Answers one request.
 *
 * @returns The reply, or `undefined` if the message is no request, or the realm's faults drop it.
 *
 * @throws {TypeError} When the message is no bytes.
 *
 * @example
 * ```ts
 * import { handleKdcMessage, KdcRealm } from "@gssocks/gssocks/kerberos/kdc";
 *
 * const realm = await KdcRealm.create("EXAMPLE.TEST");
 * const reply = await handleKdcMessage(realm, new Uint8Array([1, 2, 3]));
 * if (reply !== undefined) throw new Error("garbage was answered");
 * ```
 */
export async function handleKdcMessage(
  realm: KdcRealm,
  message: Uint8Array,
  options: HandleOptions = {},
): Promise<Bytes | undefined> {
  const bytes = copyBytes(message, "answer");
  if (realm.faults.dropReplies > 0) {
    realm.faults.dropReplies--;
    return undefined;
  }
  const tag = applicationTag(bytes);
  let request: KdcReq;
  try {
    if (tag !== 10 && tag !== 12) return undefined;
    request = readMessage(tag === 10 ? AsReq : TgsReq, bytes);
  } catch (error) {
    if (error instanceof KerberosError) return undefined;
    throw error;
  }
  const { cname, sname } = request.reqBody;
  const refuse = (errorCode: number, eData?: Bytes) => encodeKrbError(realm, { errorCode, eData, cname, sname });
  if (realm.faults.answerWithError !== 0) return refuse(realm.faults.answerWithError);
  let reply: Bytes;
  try {
    const call = { realm, request, message: bytes };
    reply = await (tag === 10 ? handleAsReq(call) : handleTgsReq(call));
  } catch (error) {
    if (error instanceof Refusal) reply = refuse(ErrorCode[error.code], error.data);
    else if (error instanceof KerberosError) reply = refuse(ErrorCode.KRB_ERR_GENERIC);
    else throw error;
  }
  const tooBig = options.transport === "udp" && reply.length > realm.faults.maxUdpReply;
  return tooBig ? refuse(ErrorCode.KRB_ERR_RESPONSE_TOO_BIG) : reply;
}

/** Returns the answer to a request over TCP whose length is too large, or has the reserved bit set (RFC 4120 section 7.2.2). */
export function tooLongRefusal(realm: KdcRealm): Bytes {
  return encodeKrbError(realm, { errorCode: ErrorCode.KRB_ERR_FIELD_TOOLONG });
}
