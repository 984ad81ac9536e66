/**
 * Tickets that a ticket-granting ticket is exchanged for: a renewed one (RFC 4120 section 2.3), a validated one (section 2.4), and one to forward to another host
 * (RFC 4120 section 2.6).
 *
 * @module
 */
import type { Credential } from "../../credential.ts";
import { KerberosError } from "../../errors.ts";
import { isForwardable } from "../../exchange/tgs.ts";
import { krbtgt } from "../../principal.ts";
import { KdcOption } from "../../registry/flags.ts";
import type { ServiceTicket } from "../ticket_source.ts";
import type { TicketRequest } from "./tgs_client.ts";

/** Returns the request for the same ticket once more, renewed or validated as the option says. */
export function sameTicketRequest(
  tgt: Credential,
  options: number,
  { offset, enctypes }: { readonly offset: number; readonly enctypes: readonly number[] },
): TicketRequest {
  return { tgt, service: tgt.server, enctypes, options, kdcOffset: offset };
}

/**
 * Returns the request for a ticket-granting ticket that may be forwarded.
 *
 * @throws {KerberosError} `NO_CREDENTIALS` if the client's own ticket is not forwardable.
 */
export function forwardRequest({ credential: tgt, kdcOffset }: ServiceTicket): TicketRequest {
  if (!isForwardable(tgt)) {
    throw new KerberosError("NO_CREDENTIALS", "Cannot delegate: the ticket-granting ticket is not forwardable");
  }
  return { tgt, service: krbtgt(tgt.client.realm), options: KdcOption.Forwarded, kdcOffset };
}
