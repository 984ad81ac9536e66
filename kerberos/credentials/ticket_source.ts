/**
 * Tickets, as a mechanism wants them.
 *
 * @module
 */
import type { Principal } from "../principal.ts";
import type { Credential } from "../credential.ts";
import type { KdcCallOptions } from "../reach/kdc_client.ts";

/** A ticket with its session key, and the clock that it is to be used by. */
export interface ServiceTicket {
  /** The ticket. */
  readonly credential: Credential;
  /** How far the KDC's clock is ahead of ours, in milliseconds. */
  readonly kdcOffset: number;
}

/** Where a mechanism gets tickets from. */
export interface TicketSource {
  /**
   * A ticket for a service that is still good. A service without a realm is looked for from the host in its name.
   *
   * @throws {KerberosError} `NO_CREDENTIALS`, `TICKET_EXPIRED`, `KDC_UNREACHABLE` and others.
   * @throws {KdcError} When a KDC refuses.
   */
  serviceTicket(service: Principal, options?: KdcCallOptions): Promise<ServiceTicket>;
  /** A ticket-granting ticket that may be handed to another host. */
  forwardedTicket(options?: KdcCallOptions): Promise<ServiceTicket>;
  /**
   * A service has refused a ticket for its time: the clocks are not as they were when it was got. Absent where nothing can be
   * done about it.
   *
   * @returns Whether the next ticket may do better.
   */
  refusedForTime?(ticket: ServiceTicket): boolean;
}
