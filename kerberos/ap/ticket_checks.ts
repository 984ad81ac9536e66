/**
 * What a service checks in a ticket and an authenticator that it has opened (RFC 4120 section 3.2.3), apart from the realms
 * on the way, which are in `transited.ts`.
 *
 * @module
 */
import { AdType } from "../registry/ad_types.ts";
import { TicketFlag } from "../registry/flags.ts";
import { printable } from "../errors.ts";
import type { Authenticator, EncTicketPart } from "../messages/ap.ts";
import type { AuthorizationDataElement } from "../messages/basic.ts";
import { formatPrincipal, fromPrincipalName, isWhole, samePrincipal } from "../principal.ts";
import { kerberosFailure } from "../mech/errors.ts";

/** Present time, and how far a client's clock may be off, in milliseconds. */
export interface Clocks {
  readonly now: number;
  readonly skew: number;
}

/** Whether the ticket is good at this time. A ticket marked INVALID is good at none. */
export function checkTimes(part: EncTicketPart, { now, skew }: Clocks): void {
  const starts = part.starttime ?? part.authtime;
  const delta = (time: number) => ({ clockDeltaSeconds: Math.round((time - now) / 1000) });
  if (starts - skew > now || (part.flags & TicketFlag.Invalid) !== 0) {
    throw kerberosFailure("KRB_AP_ERR_TKT_NYV", "Cannot accept ticket: it is not good yet", delta(starts));
  }
  if (part.endtime + skew < now) {
    throw kerberosFailure("KRB_AP_ERR_TKT_EXPIRED", "Cannot accept ticket: it has expired", delta(part.endtime));
  }
}

/** Whether the ticket speaks for somebody: without a name or a realm no rule could tell who that is (sections 6.1 and 6.2). */
export function checkClient(part: EncTicketPart): void {
  const client = fromPrincipalName(part.cname, part.crealm);
  if (isWhole(client)) return;
  const name = printable(formatPrincipal(client));
  throw kerberosFailure(
    "KDC_ERR_C_PRINCIPAL_UNKNOWN",
    `Cannot accept ticket: its client "${name}" is nobody, a name and a realm are wanted`,
  );
}

/** Whether the authenticator is by the ticket's client, and made at this time. */
export function checkSender(authenticator: Authenticator, part: EncTicketPart, { now, skew }: Clocks): void {
  const client = fromPrincipalName(part.cname, part.crealm);
  const sender = fromPrincipalName(authenticator.cname, authenticator.crealm);
  if (!samePrincipal(client, sender)) {
    throw kerberosFailure("KRB_AP_ERR_BADMATCH", "Cannot accept ticket: the authenticator names another client");
  }
  const delta = authenticatorTime(authenticator) - now;
  if (Math.abs(delta) > skew) {
    const seconds = Math.round(delta / 1000);
    throw kerberosFailure("KRB_AP_ERR_SKEW", `Cannot accept ticket: the client's clock is ${seconds} s ahead of ours`, {
      clockDeltaSeconds: seconds,
    });
  }
}

/** When an authenticator was made, by its client's clock, in milliseconds since the epoch. */
export function authenticatorTime({ ctime, cusec }: Authenticator): number {
  return ctime + cusec / 1000;
}

/** Authorization data that need not be understood to be obeyed (section 5.2.6). */
const KNOWN_AUTHORIZATION: ReadonlySet<number> = new Set([AdType.IfRelevant, AdType.KdcIssued, AdType.MandatoryForKdc]);

/** Section 5.2.6: a restriction that is not understood forbids, unless it says of itself that it may be passed over. */
export function checkAuthorization(data: readonly AuthorizationDataElement[] | undefined): void {
  const unknown = data?.find(({ adType }) => !KNOWN_AUTHORIZATION.has(adType));
  if (unknown === undefined) return;
  throw kerberosFailure(
    "KDC_ERR_POLICY",
    `Cannot accept ticket: authorization data ${unknown.adType} is not understood`,
    { authorizationDataType: unknown.adType },
  );
}
