/**
 * Tickets out of a collection of caches: for each service the cache is chosen that fits it, and its client's tickets are used from
 * there on.
 *
 * @module
 */
import type { Credential } from "../../credential.ts";
import type { Principal } from "../../principal.ts";
import type { CacheCollection, CredentialCache } from "../cache.ts";
import { cacheForNew, cacheForService, cacheOf } from "../collection.ts";
import type { ServiceTicket, TicketSource } from "../ticket_source.ts";

/** Most caches whose tickets are kept apart; with more of them, those that were used first are forgotten. */
const MAX_MEMBERS = 100;

/** Options of {@linkcode MemberTickets}. */
interface MemberTicketsInit<T extends TicketSource> {
  readonly collection: CacheCollection;
  /** Client whose secret is known; only its own cache is used then. */
  readonly client: Principal | undefined;
  /** Creates the source of the tickets in one cache. */
  readonly open: (cache: CredentialCache) => T;
}

/** The sources of tickets of a collection, one for each cache. */
export class MemberTickets<T extends TicketSource> {
  readonly #init: MemberTicketsInit<T>;
  readonly #members = new Map<string, T>();
  readonly #issuers = new WeakMap<Credential, T>();
  /** The client as the KDC names it, which its cache belongs to. */
  #canonical: Principal | undefined;

  constructor(init: MemberTicketsInit<T>) {
    this.#init = init;
  }

  /** Returns the source for the tickets of a service; without one, that of the primary cache. */
  async member(service?: Principal): Promise<T> {
    const { collection, client } = this.#init;
    if (client !== undefined) {
      const own = this.#canonical && await cacheOf(collection, this.#canonical);
      return this.#of(own ?? await cacheForNew(collection, client));
    }
    return this.#of(service === undefined ? await collection.primary() : await cacheForService(collection, service));
  }

  /** Asks one source for a ticket, and remembers that it came from there. */
  async ticket(member: T, ask: (member: T) => Promise<ServiceTicket>): Promise<ServiceTicket> {
    const ticket = await ask(member);
    this.#issuers.set(ticket.credential, member);
    this.#canonical = ticket.credential.client;
    return ticket;
  }

  /** The source that a ticket came from. */
  issuerOf(ticket: ServiceTicket): T | undefined {
    return this.#issuers.get(ticket.credential);
  }

  #of(cache: CredentialCache): T {
    const known = this.#members.get(cache.name);
    if (known !== undefined) return known;
    const made = this.#init.open(cache);
    this.#members.set(cache.name, made);
    if (this.#members.size > MAX_MEMBERS) this.#members.delete(this.#members.keys().next().value!);
    return made;
  }
}
