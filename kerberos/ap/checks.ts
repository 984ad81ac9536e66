/**
 * The checks of a ticket and an authenticator after both are open, each under the rule that it implements. Rules without
 * another number are of RFC 4120 section 3.2.3. Transited realms are judged in `transited.ts`.
 *
 * @module
 */
import { andThen, type Eventually } from "../../base/eventually.ts";
import { clockDifference, timeSpan } from "../clock_text.ts";
import { enctypeName, isSupported } from "../crypto/enctypes.ts";
import { peerText } from "../errors.ts";
import type { Authenticator, EncTicketPart } from "../messages/ap.ts";
import type { AuthorizationDataElement } from "../messages/basic.ts";
import { formatPrincipal, fromPrincipalName, isWhole, type Principal, samePrincipal } from "../principal.ts";
import { AdType } from "../registry/ad_types.ts";
import { TicketFlag } from "../registry/flags.ts";
import { ApError } from "./error.ts";
import { serviceText } from "./keys.ts";
import type { ApPolicy, AuthenticatorCheck, OpenApReq, OpenTicket, TicketCheck } from "./policy.ts";
import { replayTag } from "./replay/cache.ts";
import { checkTransited } from "./transited.ts";

/** The checks of a ticket, in order. */
export const TICKET_CHECKS: readonly TicketCheck[] = [
  checkService,
  checkTimes,
  checkClient,
  checkTicketAuthorization,
  checkTransitedRealms,
];

/** The checks of an authenticator, in order. */
export const AUTHENTICATOR_CHECKS: readonly AuthenticatorCheck[] = [
  checkSender,
  checkSkew,
  checkAuthenticatorAuthorization,
  checkSubkey,
  checkReplay,
];

/** Only enctypes that are supported and permitted are used, for tickets, session keys and subkeys. */
export function checkEnctype(what: string, enctype: number, { enctypes }: ApPolicy): void {
  if (isSupported(enctype) && (enctypes?.includes(enctype) ?? true)) return;
  const name = enctypeName(enctype);
  throw new ApError("KDC_ERR_ETYPE_NOSUPP", `Cannot accept ${what}: ${name} is not permitted`, {
    details: { wantedEnctype: name },
  });
}

/** The service is the one whose key opened the ticket: the name that the ticket has in clear is not protected. */
function checkService(ticket: OpenTicket, { services }: ApPolicy): void {
  const { principal } = ticket.serviceKey;
  if (services === undefined || services.includes(principal.components[0] ?? "")) return;
  throw new ApError(
    "KRB_AP_ERR_NOT_US",
    `Cannot accept ticket: it is for ${serviceText(principal)}, this service is ${services.join(", ")}`,
    { details: { service: serviceText(principal) } },
  );
}

/**
 * Not yet valid: "If the starttime is later than the current time by more than the allowable clock skew, or if the INVALID
 * flag is set". Expired: "if the current time is later than end time by more than the allowable clock skew".
 */
function checkTimes({ part }: OpenTicket, { now, skew }: ApPolicy): void {
  const starts = part.starttime ?? part.authtime;
  const delta = (time: number) => ({ details: { clockDeltaSeconds: Math.round((time - now) / 1000) } });
  if (starts - skew > now || (part.flags & TicketFlag.Invalid) !== 0) {
    const why = (part.flags & TicketFlag.Invalid) !== 0
      ? "it must be validated by the KDC first"
      : `it begins in ${timeSpan(starts - now)} by our clock; set the clock that is wrong, here or at the KDC`;
    throw new ApError("KRB_AP_ERR_TKT_NYV", `Cannot accept ticket: it is not valid yet: ${why}`, delta(starts));
  }
  if (part.endtime + skew < now) {
    const ago = timeSpan(now - part.endtime);
    throw new ApError(
      "KRB_AP_ERR_TKT_EXPIRED",
      `Cannot accept ticket: it has expired ${ago} ago by our clock; the client needs a new one`,
      delta(part.endtime),
    );
  }
}

/** Sections 6.1 and 6.2: a client has a name and a realm, otherwise no rule could name it. */
function checkClient({ part }: OpenTicket): void {
  const client = clientOf(part);
  if (isWhole(client)) return;
  const name = peerText(formatPrincipal(client));
  throw new ApError(
    "KDC_ERR_C_PRINCIPAL_UNKNOWN",
    `Cannot accept ticket: its client "${name}" has no name or no realm`,
  );
}

/** Section 5.2.6, for the ticket. */
function checkTicketAuthorization({ part }: OpenTicket, { authorizationData }: ApPolicy): void {
  if (authorizationData === "obeyed") checkAuthorization(part.authorizationData, KNOWN_IN_TICKETS);
}

/**
 * Section 2.7: the service judges the transited realms unless its KDC has done so. The realm of the service is that of the
 * key: the realm that the ticket has in clear is not protected.
 */
function checkTransitedRealms(ticket: OpenTicket, { transited }: ApPolicy): void {
  const { part, serviceKey } = ticket;
  if (transited === undefined || (part.flags & TicketFlag.TransitedPolicyChecked) !== 0) return;
  checkTransited(part.transited, { client: part.crealm, service: serviceKey.principal.realm }, transited.capaths);
}

/** "The name and realm of the client from the ticket are compared against the same fields in the authenticator." */
function checkSender({ part, authenticator }: OpenApReq): void {
  if (samePrincipal(clientOf(part), fromPrincipalName(authenticator.cname, authenticator.crealm))) return;
  throw new ApError("KRB_AP_ERR_BADMATCH", "Cannot accept ticket: the authenticator names another client");
}

/** "the local (server) time and the client time in the authenticator differ by more than the allowable clock skew". */
function checkSkew({ authenticator }: OpenApReq, { now, skew }: ApPolicy): void {
  const delta = clientTime(authenticator) - now;
  if (Math.abs(delta) <= skew) return;
  const seconds = Math.round(delta / 1000);
  throw new ApError(
    "KRB_AP_ERR_SKEW",
    `Cannot accept ticket: the client's clock is ${clockDifference(delta)} ours, and the limit is ` +
      `${Math.round(skew / 1000)} s; set the clock that is wrong`,
    { details: { clockDeltaSeconds: seconds } },
  );
}

/** Section 5.2.6, for the authenticator. */
function checkAuthenticatorAuthorization({ authenticator }: OpenApReq, { authorizationData }: ApPolicy): void {
  if (authorizationData === "obeyed") checkAuthorization(authenticator.authorizationData, KNOWN_AUTHORIZATION);
}

/** A subkey is used for messages, so its enctype must be permitted. */
function checkSubkey({ authenticator: { subkey } }: OpenApReq, policy: ApPolicy): void {
  if (subkey !== undefined) checkEnctype("subkey", subkey.keytype, policy);
}

/**
 * "the server MUST utilize a replay cache to remember any authenticator presented within the allowable clock skew", that is,
 * for twice the skew: the client's clock may be ahead by one skew.
 */
function checkReplay({ request, authenticator }: OpenApReq, policy: ApPolicy): Eventually<void> {
  const { now, skew, replayCache } = policy;
  if (replayCache === undefined) return;
  const client = formatPrincipal(fromPrincipalName(authenticator.cname, authenticator.crealm));
  const madeAt = clientTime(authenticator);
  const isNew = andThen(
    replayTag(request.authenticator.cipher),
    (tag) => replayCache.insert({ tag, now, expiresAt: now + 2 * skew, madeAt, client }),
  );
  return andThen(isNew, refuseRepeated);
}

function refuseRepeated(isNew: boolean): void {
  if (!isNew) throw new ApError("KRB_AP_ERR_REPEAT", "Cannot accept ticket: this authenticator was used before");
}

/**
 * A server that "loses track of authenticators" must "reject all requests until the clock skew interval has passed". A use with
 * "its own suitable means to protect against replay", such as a subkey of the server, does not call this: the sender of a
 * replay cannot go on without the session key.
 */
export function checkKnownSince(authenticator: Authenticator, { now, skew, replayCache }: ApPolicy): void {
  const knowsSince = replayCache?.knowsSince;
  // An authenticator is accepted at its time less the skew at the earliest.
  if (knowsSince === undefined || clientTime(authenticator) - skew > knowsSince) return;
  const seconds = Math.max(1, Math.ceil((knowsSince + skew - now) / 1000));
  throw new ApError(
    "KRB_AP_ERR_REPEAT",
    "Cannot accept ticket: without mutual authentication this may be a replay from before the replay cache began; " +
      `ask for mutual authentication, or try again in ${seconds} s`,
    { details: { retryInSeconds: seconds } },
  );
}

/** Authorization data that need not be understood to be obeyed (section 5.2.6). */
const KNOWN_AUTHORIZATION: ReadonlySet<number> = new Set([AdType.IfRelevant, AdType.KdcIssued, AdType.MandatoryForKdc]);
/** In a ticket, where a KDC may put it, a PAC is understood: it says who the client is, and forbids nothing. */
const KNOWN_IN_TICKETS: ReadonlySet<number> = new Set([...KNOWN_AUTHORIZATION, AdType.Win2kPac]);

/** Section 5.2.6: authorization data that is not understood forbids, unless it stands in an element that may be ignored. */
function checkAuthorization(data: readonly AuthorizationDataElement[] | undefined, known: ReadonlySet<number>): void {
  const unknown = data?.find(({ adType }) => !known.has(adType));
  if (unknown === undefined) return;
  throw new ApError(
    "KDC_ERR_POLICY",
    `Cannot accept ticket: authorization data ${unknown.adType} is not understood`,
    { details: { authorizationDataType: unknown.adType } },
  );
}

function clientOf(part: EncTicketPart): Principal {
  return fromPrincipalName(part.cname, part.crealm);
}

/** When an authenticator was made, by its client's clock, in milliseconds since the epoch. */
function clientTime({ ctime, cusec }: Authenticator): number {
  return ctime + cusec / 1000;
}
