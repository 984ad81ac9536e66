/**
 * Keeps tickets good in the background.
 *
 * @module
 */
import { pause } from "../../../base/deadline.ts";
import { type KeepableTickets, type KeepTicketsOptions, TicketKeeper } from "./keeper.ts";

/**
 * Keeps tickets good until the signal is aborted. There is one request at a time, and callers that need a ticket meanwhile wait for the
 * same one. A failure is told once; a ticket that is still good stays in use.
 *
 * @example
 * ```ts
 * import { keepTickets, systemTickets } from "@gssocks/gssocks/kerberos";
 *
 * export async function main(signal: AbortSignal): Promise<void> {
 *   const tickets = systemTickets({ principal: "backup@EXAMPLE.COM", keytab: "/etc/backup.keytab" });
 *   await keepTickets(tickets, { signal });
 * }
 * ```
 */
export async function keepTickets(tickets: KeepableTickets, options: KeepTicketsOptions): Promise<void> {
  const keeper = new TicketKeeper(tickets, options);
  while (!options.signal.aborted) await pause(await keeper.look(), options.signal);
}
