/**
 * Why no ticket-granting ticket of a cache can be used, and what to do about it.
 *
 * @module
 */
import { timeSpan } from "../../clock_text.ts";
import type { KerberosConfig } from "../../config/krb5_conf.ts";
import type { Credential } from "../../credential.ts";
import { isSupported } from "../../crypto/enctypes.ts";
import { KerberosError, peerText } from "../../errors.ts";
import { formatPrincipal, krbtgt, samePrincipal } from "../../principal.ts";
import { TicketFlag } from "../../registry/flags.ts";
import type { CredentialCacheData } from "../cache.ts";

/** Services that a message names at most. */
const MAX_NAMED = 3;

/** The cache that has no usable ticket. */
interface Unusable {
  /** Its name. */
  readonly name: string;
  /** Its contents; `undefined` if there is no cache. */
  readonly data: CredentialCacheData | undefined;
  readonly config: KerberosConfig;
  /** The KDC's time, in milliseconds since the epoch. */
  readonly now: number;
}

/** Returns the error that says why no ticket-granting ticket of a cache can be used. Only one that has expired is called so. */
export function noTicket(unusable: Unusable): KerberosError {
  const { name, data, now } = unusable;
  const cannot = (reason: string) => new KerberosError("NO_CREDENTIALS", `Cannot get a ticket: ${reason}`);
  if (data === undefined) return cannot(`no credentials cache found (${name}); run kinit first`);
  const { principal } = data;
  const held = data.credentials.filter(({ isConfiguration }) => !isConfiguration);
  const granting = held.filter(({ server }) => samePrincipal(server, krbtgt(principal.realm)));
  const own = granting.filter(({ client }) => samePrincipal(client, principal));
  if (granting.length === 0) {
    return cannot(`${name} has no ticket-granting ticket of ${principal.realm}${onlyFor(held)}; run kinit`);
  }
  if (own.length === 0) {
    const other = peerText(formatPrincipal(granting[0]!.client));
    const owner = peerText(formatPrincipal(principal));
    return cannot(
      `the ticket-granting ticket in ${name} is of ${other}, but the cache is of ${owner}; run kinit again`,
    );
  }
  const alive = own.find(({ endtime }) => endtime > now);
  if (alive !== undefined) return cannot(`the one in ${name} cannot be used: ${problemOf(alive, unusable)}`);
  return new KerberosError("TICKET_EXPIRED", `Cannot get a ticket: the one in ${name} has expired; run kinit again`);
}

function onlyFor(held: readonly Credential[]): string {
  const services = held.slice(0, MAX_NAMED).map(({ server }) => peerText(formatPrincipal(server)));
  if (services.length === 0) return "";
  return `, only a ticket for ${services.join(", ")}${held.length > MAX_NAMED ? " and others" : ""}`;
}

/** What is wrong with a ticket that has not expired. */
function problemOf({ flags, starttime, key }: Credential, { config, now }: Unusable): string {
  if ((flags & TicketFlag.Invalid) !== 0) return "it is postdated, and must be validated first (kinit -v)";
  if (starttime > now + config.clockskew) {
    return `it begins in ${timeSpan(starttime - now)} by the clock here; set the clock, or run kinit again`;
  }
  const name = key.enctypeName;
  return isSupported(key.enctype)
    ? `its session key is ${name}, which permitted_enctypes of krb5.conf leaves out; allow it there, or run kinit again`
    : `its session key is ${name}, which is not supported: only AES is; run gssocks kinit, or kinit with ` +
      "default_tkt_enctypes = aes in krb5.conf, and allow AES at the KDC";
}
