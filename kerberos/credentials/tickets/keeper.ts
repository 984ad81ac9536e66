/**
 * When the ticket-granting ticket of a client is renewed, and what is told about it. It is renewed (RFC 4120 section 2.3), or requested
 * anew with the secret, when half of its life is over, so that a KDC may be down for as long again.
 *
 * @module
 */
import { asError } from "../../../base/reason.ts";
import { type Runtime, systemRuntime } from "../../../base/runtime.ts";
import { formatPrincipal } from "../../principal.ts";
import { TicketFlag } from "../../registry/flags.ts";
import type { ServiceTicket } from "../ticket_source.ts";

/** Tickets that can be kept good; `KerberosTickets` are. */
export interface KeepableTickets {
  /** Whether there is a password or a key, so that a ticket can be requested at any time. */
  readonly hasSecret: boolean;
  /** Returns the ticket-granting ticket that would be used now; throws if none is good. */
  currentTicket(): Promise<ServiceTicket>;
  /** Requests a ticket-granting ticket with the secret, or renews the one that there is. */
  freshTicket(options?: { readonly signal?: AbortSignal | undefined }): Promise<ServiceTicket>;
}

/** What has become of the ticket. Times are in milliseconds since the epoch, by our own clock. */
export type TicketNews =
  /** There is a ticket, where there was none or another client's before. */
  | {
    readonly type: "good";
    /** Whose it is. */
    readonly client: string;
    /** When it ends. */
    readonly endtime: number;
    /** Until when it is kept good; `Infinity` with a secret, `endtime` for a ticket that cannot be renewed. */
    readonly keptUntil: number;
  }
  /** It was renewed, or there is a new one. */
  | { readonly type: "renewed"; readonly client: string; readonly endtime: number }
  /** It could not be renewed, but is still good. It is tried again. */
  | { readonly type: "delayed"; readonly client: string; readonly endtime: number; readonly error: Error }
  /** There is none that can be used. */
  | { readonly type: "none"; readonly error: Error };

/** Options of `keepTickets`. */
export interface KeepTicketsOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Called once for each change. What it throws ends nothing. */
  readonly onNews?: ((news: TicketNews) => void) | undefined;
  /** Whether tickets are renewed; if not, they are watched alone. @default {true} */
  readonly renew?: boolean | undefined;
  /** The clock. @default {the system's} */
  readonly runtime?: Pick<Runtime, "now"> | undefined;
}

/** Longest time between two looks at the ticket, which another program may replace, in milliseconds. */
const LOOK = 60_000;
/** First and longest pause behind a request that failed, in milliseconds. */
const [RETRY, LONGEST_RETRY] = [5_000, 60_000];

/** Looks after the ticket-granting ticket of one source of tickets. */
export class TicketKeeper {
  readonly #tickets: KeepableTickets;
  readonly #options: KeepTicketsOptions;
  readonly #now: () => number;
  #failures = 0;
  /** The last news, as it was told. */
  #told: TicketNews | undefined;

  /** Creates a keeper that has not looked yet. */
  constructor(tickets: KeepableTickets, options: KeepTicketsOptions) {
    const { runtime = systemRuntime } = options;
    this.#tickets = tickets;
    this.#options = options;
    this.#now = () => runtime.now();
  }

  /** Looks at the ticket, and renews it if it is time to. Returns the time until the next look. */
  async look(): Promise<number> {
    const { signal } = this.#options;
    let ticket: ServiceTicket | undefined;
    let problem: Error | undefined;
    try {
      ticket = await this.#tickets.currentTicket();
    } catch (error) {
      problem = asError(error);
    }
    if (this.#mayRenew(ticket) && (ticket === undefined || this.#untilHalf(ticket) <= 0)) {
      try {
        const fresh = await this.#tickets.freshTicket({ signal });
        this.#failures = 0;
        this.#tellGood(fresh, ticket !== undefined);
        return this.#pauseFor(fresh);
      } catch (error) {
        if (signal.aborted) return 0;
        this.#failures++;
        problem = asError(error);
      }
      this.#tellProblem(ticket, problem);
      return Math.min(RETRY * 2 ** (this.#failures - 1), LONGEST_RETRY);
    }
    if (ticket === undefined) this.#tellProblem(undefined, problem!);
    else this.#tellGood(ticket, false);
    return ticket === undefined ? LOOK : this.#pauseFor(ticket);
  }

  #mayRenew(ticket: ServiceTicket | undefined): boolean {
    if (this.#options.renew === false) return false;
    return this.#tickets.hasSecret || (ticket !== undefined && isRenewable(ticket));
  }

  /** Time until half of the ticket's life is over, by the KDC's clock. */
  #untilHalf({ credential: { starttime, endtime }, kdcOffset }: ServiceTicket): number {
    return starttime + (endtime - starttime) / 2 - (this.#now() + kdcOffset);
  }

  /** A ticket of a few seconds, or one that is at its end, does not keep it busy. */
  #pauseFor(ticket: ServiceTicket): number {
    const until = this.#mayRenew(ticket)
      ? this.#untilHalf(ticket)
      : ticket.credential.endtime - (this.#now() + ticket.kdcOffset);
    return Math.min(Math.max(until, 1_000), LOOK);
  }

  #tellGood({ credential, kdcOffset }: ServiceTicket, renewed: boolean): void {
    const client = formatPrincipal(credential.client);
    const endtime = credential.endtime - kdcOffset;
    const told = this.#told;
    if (renewed && told?.type !== "none") return this.#tell({ type: "renewed", client, endtime });
    if (told !== undefined && told.type !== "none" && told.type !== "delayed" && told.client === client) return;
    const renewTill = isRenewable({ credential, kdcOffset }) && this.#options.renew !== false
      ? credential.renewTill - kdcOffset
      : endtime;
    const keptUntil = this.#tickets.hasSecret && this.#options.renew !== false ? Infinity : renewTill;
    this.#tell({ type: "good", client, endtime, keptUntil });
  }

  #tellProblem(ticket: ServiceTicket | undefined, error: Error): void {
    const told = this.#told;
    if (ticket === undefined) {
      if (told?.type === "none" && told.error.message === error.message) return;
      return this.#tell({ type: "none", error });
    }
    if (told?.type === "delayed") return;
    const { credential: { client, endtime }, kdcOffset } = ticket;
    this.#tell({ type: "delayed", client: formatPrincipal(client), endtime: endtime - kdcOffset, error });
  }

  #tell(news: TicketNews): void {
    this.#told = news;
    try {
      const told: unknown = this.#options.onNews?.(news);
      if (told instanceof Promise) told.catch(() => {});
    } catch {
      // An observer cannot end what it observes.
    }
  }
}

/** Whether renewal makes a ticket last longer. */
function isRenewable({ credential: { flags, renewTill, endtime } }: ServiceTicket): boolean {
  return (flags & TicketFlag.Renewable) !== 0 && renewTill > endtime;
}
