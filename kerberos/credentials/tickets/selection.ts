/**
 * Which ticket of a cache may be used.
 *
 * @module
 */
import type { KerberosConfig } from "../../config/krb5_conf.ts";
import { TicketFlag } from "../../registry/flags.ts";
import { isSupported } from "../../crypto/enctypes.ts";
import { type Principal, samePrincipal } from "../../principal.ts";
import type { Credential } from "../../credential.ts";

/** A ticket that ends within this many milliseconds counts as ended if another one can be had. */
export const MARGIN = 60_000;

/** Terms that a ticket must meet. Times are in milliseconds. */
export interface TicketTerms {
  readonly config: KerberosConfig;
  /** The KDC's time. */
  readonly now: number;
  /** How long the ticket must still be good. */
  readonly margin: number;
}

/** Whether a ticket is good now, and has a session key of an enctype that would be requested today. */
export function isGood(credential: Credential, { config, now, margin }: TicketTerms): boolean {
  const { clockskew, defaultTgsEnctypes, permittedEnctypes } = config;
  const { endtime, starttime, flags, server, key: { enctype } } = credential;
  const wanted = server.components[0] === "krbtgt" ? permittedEnctypes : defaultTgsEnctypes;
  return endtime > now + margin && starttime <= now + clockskew && (flags & TicketFlag.Invalid) === 0 &&
    wanted.includes(enctype) && isSupported(enctype);
}

/** Whether a ticket is the client's, and for exactly this service; for a service without a realm, in any realm. */
export function isFor(held: Credential, client: Principal, service: Principal): boolean {
  return samePrincipal(held.client, client) && !held.isConfiguration &&
    samePrincipal(held.server, service.realm === "" ? { ...service, realm: held.server.realm } : service);
}

/**
 * Whether a clock was set since a ticket-granting ticket was stored: by the KDC's time, as it is known, the ticket has not begun, or it
 * has ended although by our own clock it has not.
 */
export function contradictsClock(
  tgt: Credential,
  { config, now, localNow }: TicketTerms & { localNow: number },
): boolean {
  // A postdated ticket that was not validated is meant for later.
  if ((tgt.flags & TicketFlag.Invalid) !== 0) return false;
  return tgt.starttime > now + config.clockskew || (tgt.endtime <= now && tgt.endtime > localNow && localNow !== now);
}
