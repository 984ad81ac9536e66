/**
 * The interface between a mechanism and its source of tickets.
 *
 * @module
 */
import type { Runtime } from "../../base/runtime.ts";
import type { Principal } from "../principal.ts";
import type { Credential } from "../credential.ts";

/** A ticket with its session key, and the offset of the clock that it must be used with. */
export interface ServiceTicket {
  /** The ticket. */
  readonly credential: Credential;
  /** How far the KDC's clock is ahead of ours, in milliseconds. */
  readonly kdcOffset: number;
}

/** Options of {@linkcode TicketSource.forwardedTicket}. */
export interface ForwardedTicketOptions {
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
  /** Ticket for the host that the ticket is forwarded to, which says whose it must be. @default {there is one client} */
  readonly beside?: ServiceTicket | undefined;
}

/** A source of tickets. */
export interface TicketSource {
  /**
   * Returns a ticket for a service that is still good. The realm of a service without one follows from the host in its name.
   *
   * @throws {KerberosError} `NO_CREDENTIALS`, `TICKET_EXPIRED`, `KDC_UNREACHABLE` and others.
   * @throws {KdcError} If a KDC refuses.
   */
  serviceTicket(service: Principal, options?: { readonly signal?: AbortSignal | undefined }): Promise<ServiceTicket>;
  /** Clock and randomness of those who use its tickets. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /** Returns a ticket-granting ticket to forward to another host. */
  forwardedTicket(options?: ForwardedTicketOptions): Promise<ServiceTicket>;
  /**
   * Called when a service has refused a ticket for its time: a clock was set since the ticket was issued. Absent if the source can do
   * nothing about it.
   *
   * @returns Whether the next ticket may be accepted.
   */
  refusedForTime?(ticket: ServiceTicket): boolean;
}
