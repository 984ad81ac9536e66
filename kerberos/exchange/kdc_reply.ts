/**
 * The two answers of a KDC: a reply of the type expected, or a KRB-ERROR (RFC 4120 section 5.9.1).
 *
 * @module
 */
import { applicationTag, type Codec } from "../../asn1/codec.ts";
import { type Bytes, copyBytes } from "../../base/bytes.ts";
import type { Runtime } from "../../base/runtime.ts";
import { enctypeName } from "../crypto/enctypes.ts";
import { KdcError, peerText } from "../errors.ts";
import { KrbError } from "../messages/error.ts";
import { readMessage } from "../messages/read.ts";
import { formatPrincipal, type Principal } from "../principal.ts";
import { clockOffset } from "./clock_offset.ts";

/** A reply of the type expected, or the KDC's refusal. */
type KdcReply<T> = { readonly reply: T } | { readonly refusal: KrbError };

/**
 * Reads a KDC's answer. Nothing authenticates it yet: anyone may have sent it.
 *
 * @throws {KerberosError} `BAD_MESSAGE` when it is neither a reply of that type nor a KRB-ERROR.
 */
export function readReply<T>(codec: Codec<T>, reply: Bytes): KdcReply<T> {
  const message = copyBytes(reply, "read a KDC's reply out of");
  return applicationTag(message) === 30
    ? { refusal: readMessage(KrbError, message) }
    : { reply: readMessage(codec, message) };
}

/** The request that was refused: its client and service, and the clock that it was made by. */
interface RefusedRequest {
  readonly client: Principal;
  readonly server: Principal;
  /** Enctypes requested. */
  readonly enctypes: readonly number[];
  readonly runtime: Runtime;
}

/** Returns the KDC's refusal as an error. */
export function refusalError(refusal: KrbError, request: RefusedRequest): KdcError {
  return new KdcError({
    errorCode: refusal.errorCode,
    text: refusal.eText,
    client: peerText(formatPrincipal(request.client)),
    server: peerText(formatPrincipal(request.server)),
    enctypes: request.enctypes.map(enctypeName),
    clockOffset: clockOffset(refusal, request.runtime),
  });
}
