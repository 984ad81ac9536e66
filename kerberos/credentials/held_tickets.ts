/**
 * Which ticket of a cache may be used, and why not.
 *
 * @module
 */
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { TicketFlag } from "../registry/flags.ts";
import { isSupported } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";
import { krbtgt, type Principal, samePrincipal } from "../principal.ts";
import type { CredentialCacheData } from "./formats/ccache.ts";
import type { Credential } from "../credential.ts";

/** A ticket that ends within this many milliseconds counts as ended where another one can be had. */
export const MARGIN = 60_000;

/** By what a ticket is judged. Times are in milliseconds. */
export interface TicketTerms {
  readonly config: KerberosConfig;
  /** The KDC's time. */
  readonly now: number;
  /** How long it has to be good for. */
  readonly margin: number;
}

/** Good now, and with a session key that would be asked for today. */
export function isGood(credential: Credential, { config, now, margin }: TicketTerms): boolean {
  const { clockskew, defaultTgsEnctypes, permittedEnctypes } = config;
  const { endtime, starttime, flags, server, key: { enctype } } = credential;
  const wanted = server.components[0] === "krbtgt" ? permittedEnctypes : defaultTgsEnctypes;
  return endtime > now + margin && starttime <= now + clockskew && (flags & TicketFlag.Invalid) === 0 &&
    wanted.includes(enctype) && isSupported(enctype);
}

/** Whether a ticket is the client's, and exactly for the service; for one whose realm is not known, in any realm. */
export function isFor(held: Credential, client: Principal, service: Principal): boolean {
  return samePrincipal(held.client, client) && !held.isConfiguration &&
    samePrincipal(held.server, service.realm === "" ? { ...service, realm: held.server.realm } : service);
}

/**
 * Whether a clock was set since a ticket-granting ticket was put into a cache: the KDC's time, as it is reckoned now, says that the
 * ticket has not begun, or it has ended by that time only and not by ours.
 */
export function contradictsClock(tgt: Credential, { config, now, ours }: TicketTerms & { ours: number }): boolean {
  return tgt.starttime > now + config.clockskew || (tgt.endtime <= now && tgt.endtime > ours && ours !== now);
}

/** Why there is no ticket-granting ticket to be used. */
export function noTicket(name: string, data: CredentialCacheData | undefined, now: number): KerberosError {
  if (data === undefined) {
    return new KerberosError("NO_CREDENTIALS", `Cannot get a ticket: ${name} is empty; run kinit first`);
  }
  const odd = data.credentials.find(({ server, endtime }) =>
    samePrincipal(server, krbtgt(data.principal.realm)) && endtime > now
  );
  return odd === undefined
    ? new KerberosError("TICKET_EXPIRED", `Cannot get a ticket: the one in ${name} has expired; run kinit again`)
    : new KerberosError(
      "NO_CREDENTIALS",
      `Cannot get a ticket: the one in ${name} is not to be used: its session key is of ${odd.key.enctypeName}, ` +
        `it begins ${Math.max(0, Math.round((odd.starttime - now) / 1000))} s from now, and is ` +
        ((odd.flags & TicketFlag.Invalid) === 0 ? "valid" : "invalid") + "; run kinit again",
    );
}
