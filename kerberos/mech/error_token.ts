/**
 * The error token of an acceptor, which carries the number of the error and nothing else (RFC 4121 section 4.1).
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Runtime } from "../../base/runtime.ts";
import { GssError, withToken } from "../../gss/status.ts";
import { ErrorCode } from "../registry/errors.ts";
import { splitTime } from "../messages/time.ts";
import { KrbError } from "../messages/error.ts";
import { type Principal, toPrincipalName } from "../principal.ts";
import { encodeContextToken } from "./tokens/context.ts";

/** Returns the same error with a token for the peer that carries its number. */
export function withErrorToken(error: unknown, service: Principal | undefined, runtime: Runtime): unknown {
  if (!(error instanceof GssError)) return error;
  const named = service ?? { realm: "?", components: ["?"], nameType: 0 };
  const { time, usec } = splitTime(runtime.now());
  const message = encode(KrbError, {
    pvno: 5,
    msgType: 30,
    stime: time,
    susec: usec,
    errorCode: error.minor || ErrorCode.KRB_ERR_GENERIC,
    realm: named.realm,
    sname: toPrincipalName(named),
  });
  return withToken(error, encodeContextToken("KRB-ERROR", message));
}
