/**
 * A client's tickets in its credential cache: which of them may be used, whose they are, and how new ones are kept.
 *
 * @module
 */
import type { Runtime } from "../../../base/runtime.ts";
import type { KerberosConfig } from "../../config/krb5_conf.ts";
import type { Credential } from "../../credential.ts";
import { KerberosError } from "../../errors.ts";
import { canonicalizes } from "../../exchange/as_input.ts";
import { formatPrincipal, krbtgt, type Principal, samePrincipal } from "../../principal.ts";
import type { CredentialCache, CredentialCacheData } from "../cache.ts";
import type { KdcClock } from "./kdc_clock.ts";
import { noTicket } from "./no_ticket.ts";
import { contradictsClock, isFor, isGood, MARGIN, type TicketTerms } from "./selection.ts";

/** Options of a {@linkcode TicketStore}. */
interface TicketStoreInit {
  readonly cache: CredentialCache;
  readonly config: KerberosConfig;
  /** Client whose secret is known; without one the tickets belong to the principal of the cache. */
  readonly client: Principal | undefined;
  readonly clock: KdcClock;
  readonly runtime: Runtime;
}

/** Maximum number of tickets that are kept in memory if the cache cannot be written. */
const MAX_UNSAVED = 100;

/** The tickets of one client. A cache that belongs to another client is neither used nor overwritten. */
export class TicketStore {
  readonly #cache: CredentialCache;
  readonly #config: KerberosConfig;
  readonly #client: Principal | undefined;
  readonly #clock: KdcClock;
  readonly #runtime: Runtime;
  #unsaved: readonly Credential[] = [];
  /** Name that the KDC has used for the client, which may differ from the one requested. */
  #canonical: Principal | undefined;

  constructor({ cache, config, client, clock, runtime }: TicketStoreInit) {
    this.#cache = cache;
    this.#config = config;
    this.#client = client;
    this.#clock = clock;
    this.#runtime = runtime;
  }

  /**
   * Returns the contents of the cache.
   *
   * @throws {KerberosError} `NO_CREDENTIALS` if it belongs to another client.
   */
  async load(): Promise<CredentialCacheData | undefined> {
    const data = await this.#cache.load();
    if (data === undefined || this.#isOurs(data)) return data;
    const renamed = canonicalizes({ canonicalize: this.#config.canonicalize, client: this.#client! });
    // The KDC may know the client by another name. Only the KDC can say which, and it was not asked yet.
    if (renamed && this.#canonical === undefined) return undefined;
    throw this.#foreign(data);
  }

  #isOurs({ principal }: CredentialCacheData): boolean {
    const names = [this.#client, this.#canonical];
    return this.#client === undefined || names.some((name) => name !== undefined && samePrincipal(principal, name));
  }

  #foreign({ principal }: CredentialCacheData): KerberosError {
    return new KerberosError(
      "NO_CREDENTIALS",
      `Cannot get a ticket: ${this.#cache.name} belongs to ${formatPrincipal(principal)}, not to ` +
        `${formatPrincipal(this.#client!)}; name another cache, or run kinit`,
    );
  }

  /** Returns a good ticket for a service. */
  find(data: CredentialCacheData, service: Principal): Credential | undefined {
    const terms = this.#terms(data);
    return this.#all(data).find((held) => isFor(held, data.principal, service) && isGood(held, terms));
  }

  /** Returns a ticket for a service that is still good, however soon it ends. */
  findEnding(data: CredentialCacheData, service: Principal): Credential | undefined {
    const terms = { ...this.#terms(data), margin: 0 };
    return this.#all(data).find((held) => isFor(held, data.principal, service) && isGood(held, terms));
  }

  /** Returns the ticket-granting ticket of a cache, good or not. */
  anyTgt(data: CredentialCacheData): Credential | undefined {
    return this.#all(data).find((held) => isFor(held, data.principal, krbtgt(data.principal.realm)));
  }

  /** Whether the ticket-granting ticket shows that a clock was set since it was issued. */
  contradictsClock(data: CredentialCacheData): boolean {
    const tgt = this.anyTgt(data);
    return tgt !== undefined && contradictsClock(tgt, { ...this.#terms(data), localNow: this.#runtime.now() });
  }

  #all(data: CredentialCacheData): readonly Credential[] {
    return [...this.#unsaved, ...data.credentials];
  }

  /** A ticket that is about to end is not used, unless there is nothing to get another one with. */
  #terms(data: CredentialCacheData): TicketTerms {
    const terms = { config: this.#config, now: this.#kdcNow(data), margin: MARGIN };
    const tgt = krbtgt(data.principal.realm);
    const renewable = this.#client !== undefined ||
      this.#all(data).some((held) => isFor(held, data.principal, tgt) && isGood(held, terms));
    return renewable ? terms : { ...terms, margin: 0 };
  }

  #kdcNow(data: CredentialCacheData | undefined): number {
    return this.#runtime.now() + this.#clock.offset(data?.kdcOffset);
  }

  /** Returns the error that says why there is no good ticket-granting ticket. */
  noTicket(data: CredentialCacheData | undefined): KerberosError {
    return noTicket({ name: this.#cache.name, data, config: this.#config, now: this.#kdcNow(data) });
  }

  /** Adds a ticket. If the cache cannot be written, the ticket is kept in memory. */
  async keep(credential: Credential): Promise<void> {
    try {
      await this.#cache.store(credential);
    } catch (error) {
      if (!(error instanceof KerberosError) || error.code !== "BAD_FILE") throw error;
      this.#unsaved = [credential, ...this.#unsaved].slice(0, MAX_UNSAVED);
    }
  }

  /**
   * Replaces all tickets by an initial one.
   *
   * @param options Whether the call fails if the cache belongs to another client.
   */
  async begin(
    { credential, kdcOffset }: { readonly credential: Credential; readonly kdcOffset: number },
    { onlyOurs }: { readonly onlyOurs: boolean },
  ): Promise<void> {
    this.#canonical = credential.client;
    const held = onlyOurs ? await this.#cache.load() : undefined;
    if (held !== undefined && !this.#isOurs(held)) throw this.#foreign(held);
    await this.#cache.initialize({ principal: credential.client, credentials: [credential], kdcOffset });
    this.#unsaved = [];
  }

  /** Replaces the tickets by a renewed one, unless the cache has changed hands since. */
  async renew(data: CredentialCacheData, credential: Credential, kdcOffset: number): Promise<void> {
    const renewed = { principal: data.principal, credentials: [credential], kdcOffset };
    await this.#cache.initialize(renewed, { replaces: data });
  }

  /** Stores the offset of the KDC's clock for all users of the cache. A cache that cannot be written stays as it is. */
  async storeOffset(kdcOffset: number): Promise<void> {
    const data = await this.#cache.load();
    if (data === undefined || (data.kdcOffset ?? 0) === kdcOffset) return;
    try {
      await this.#cache.initialize({ ...data, kdcOffset }, { replaces: data });
    } catch (error) {
      if (!(error instanceof KerberosError)) throw error;
    }
  }
}
