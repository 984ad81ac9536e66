/**
 * What the exchanges with a KDC have in common: they are generators that yield a request and are resumed with the reply,
 * and know nothing of networks, time-outs or which KDC answers.
 *
 * @module
 */
import { applicationTag, type Codec } from "../../asn1/codec.ts";
import { type Bytes, copyBytes } from "../../base/bytes.ts";
import { randomUint32, type Runtime } from "../../base/runtime.ts";
import { ErrorCode } from "../registry/errors.ts";
import { KdcError, KerberosError, printable } from "../errors.ts";
import { KrbError } from "../messages/error.ts";
import { readMessage } from "../messages/read.ts";
import { formatPrincipal, fromPrincipalName, type Principal } from "../principal.ts";

/** A message for some KDC of a realm. */
export interface KdcRequest {
  /** Realm whose KDC is to answer. */
  readonly realm: string;
  /** DER of the request. */
  readonly message: Bytes;
}

/** A conversation with KDCs whose end is a `T`. */
export type KdcExchange<T> = AsyncGenerator<KdcRequest, T, Bytes>;

/** A reply of the type wanted, or the KDC's refusal. */
export type KdcReply<T> = { readonly reply: T } | { readonly refusal: KrbError };

/** Reads a reply; throws `BAD_MESSAGE` where it is neither what was asked for nor a KRB-ERROR. Anybody may have sent it. */
export function readReply<T>(codec: Codec<T>, reply: Bytes): KdcReply<T> {
  const message = copyBytes(reply, "read a KDC's reply out of");
  return applicationTag(message) === 30
    ? { refusal: readMessage(KrbError, message) }
    : { reply: readMessage(codec, message) };
}

/** The KDC's refusal as an error. */
export function refusalError(refusal: KrbError, asked: Asked): KdcError {
  return new KdcError({
    errorCode: refusal.errorCode,
    text: refusal.eText,
    client: asked.client && printable(formatPrincipal(asked.client)),
    server: printable(formatPrincipal(asked.server ?? fromPrincipalName(refusal.sname, refusal.realm))),
    clockOffset: clockOffset(refusal, asked.runtime),
  });
}

/** Who asked, and for what. */
export interface Asked {
  readonly client?: Principal;
  readonly server?: Principal;
  readonly runtime: Runtime;
}

/** How far the KDC's clock is ahead of ours, in milliseconds. */
export function clockOffset(refusal: KrbError, runtime: Runtime): number {
  return refusal.stime + refusal.susec / 1000 - runtime.now();
}

/** Whether a KDC refuses because of the time: what it takes for the present one is in its refusal. */
export function isAboutTime(error: unknown): error is KdcError {
  const { KRB_AP_ERR_SKEW, KRB_AP_ERR_TKT_NYV, KRB_AP_ERR_TKT_EXPIRED } = ErrorCode;
  return error instanceof KdcError &&
    [KRB_AP_ERR_SKEW, KRB_AP_ERR_TKT_NYV, KRB_AP_ERR_TKT_EXPIRED].some((code) => code === error.errorCode);
}

/** A nonce that every implementation takes: 31 bits, so that it never reads as negative (RFC 4120 section 5.4.1). */
export function randomNonce(runtime: Runtime): number {
  return randomUint32(runtime) & 0x7fffffff;
}

/** Throws `REPLY_MISMATCH`: the reply is not to what was asked. */
export function mismatch(what: string, wanted: string | number, there: string | number): never {
  const [found, asked] = [there, wanted].map((value) => printable(String(value)));
  throw new KerberosError("REPLY_MISMATCH", `Cannot use KDC reply: ${what} is ${found}, ${asked} was asked for`);
}
