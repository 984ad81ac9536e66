/**
 * What an acceptor refuses with: errors that say to the log what was wanted and what was there, and the token that tells the
 * peer no more than a number (RFC 4121 section 4.1).
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { shortened } from "../../base/printable.ts";
import type { Runtime } from "../../base/runtime.ts";
import { GssError, withToken } from "../../gss/status.ts";
import { ErrorCode } from "../registry/errors.ts";
import { enctypeName } from "../crypto/enctypes.ts";
import { KrbError } from "../messages/error.ts";
import { splitTime } from "../messages/time.ts";
import { formatPrincipal, type Principal, samePrincipal, toPrincipalName } from "../principal.ts";
import type { KeySource, KeytabEntry, WantedKey } from "../credentials/formats/keytab.ts";
import { kerberosFailure } from "./errors.ts";
import { encodeContextToken } from "./tokens/context.ts";

/** The service that a ticket names in clear, which may be as long as a token. */
export function namedService(service: Principal): string {
  return shortened(formatPrincipal(service), 200);
}

/** No key opens the ticket: says what it wants and what the keytab has, the most frequent trouble with Kerberos services. */
export function noKey(wanted: WantedKey, tried: readonly KeytabEntry[], keys: KeySource): GssError {
  const { service, enctype, kvno } = wanted;
  const own = tried.filter((entry) => samePrincipal(entry.principal, service));
  const name = own.length === 0
    ? (tried.length === 0 ? "KRB_AP_ERR_NOKEY" : "KRB_AP_ERR_NOT_US")
    : own.some((entry) => entry.kvno === kvno)
    ? "KRB_AP_ERR_BAD_INTEGRITY"
    : "KRB_AP_ERR_BADKEYVER";
  const text = `${namedService(service)} kvno ${kvno ?? "?"} ${enctypeName(enctype)}`;
  const held = keys.describe();
  const shown = held.slice(0, 12).join("; ") + (held.length > 12 ? `; and ${held.length - 12} more` : "");
  return kerberosFailure(name, `Cannot open ticket: it wants ${text}; the keytab has ${shown || "no keys"}`, {
    service: namedService(service),
    wantedEnctype: enctypeName(enctype),
    wantedKvno: kvno ?? -1,
    heldKeys: shown,
  });
}

/** The ticket is sealed in the session key of a ticket-granting ticket that this service does not have (RFC 4120 section 3.7). */
export function userToUser(service: Principal): GssError {
  const name = namedService(service);
  return kerberosFailure(
    "KRB_AP_ERR_NOKEY",
    `Cannot open ticket: it is for ${name} as a user (USE-SESSION-KEY), not for the keys of a service`,
    { service: name },
  );
}

/** The replay cache began later than the authenticator may have been used before. */
export function maybeReplayed(seconds: number): GssError {
  return kerberosFailure(
    "KRB_AP_ERR_REPEAT",
    "Cannot accept context: without mutual authentication it may be the replay of one from before the replay cache began; " +
      `ask for mutual authentication; without it, this can be told in ${seconds} s at the earliest`,
    { retryInSeconds: seconds },
  );
}

/** The same error with the token that tells the peer its number. */
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
