/**
 * Tickets on demand: out of a credential cache, or from a KDC with a password or keytab, one request at a time for each
 * service however many ask.
 *
 * @module
 */
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import { type KerberosConfig, realmOfHost } from "../config/krb5_conf.ts";
import { ErrorCode } from "../registry/errors.ts";
import { KdcOption } from "../registry/flags.ts";
import { KerberosError } from "../errors.ts";
import { formatPrincipal, krbtgt, type Principal, samePrincipal } from "../principal.ts";
import { type CredentialCache, MemoryCredentialCache } from "./cache.ts";
import type { CredentialCacheData } from "./formats/ccache.ts";
import type { Credential } from "../credential.ts";
import { asExchange } from "../exchange/as.ts";
import { canonicalizes } from "../exchange/as_input.ts";
import type { ClientKey } from "../exchange/client_key.ts";
import { isClockRefusal, significantOffset } from "../exchange/clock_offset.ts";
import { initialRequest } from "./initial_request.ts";
import { contradictsClock, isFor, isGood, MARGIN, noTicket, type TicketTerms } from "./held_tickets.ts";
import type { KdcCallOptions, KdcClient } from "../reach/kdc_client.ts";
import { KdcClock } from "./kdc_clock.ts";
import { SharedRequests } from "../../base/shared_requests.ts";
import type { ServiceTicket, TicketSource } from "./ticket_source.ts";
import { isForwardable, tgsExchange, type TgsExchangeInput, type TgsExchangeResult } from "../exchange/tgs.ts";

export type { ServiceTicket, TicketSource } from "./ticket_source.ts";

/** What {@linkcode KerberosTickets} is made of. */
export interface KerberosTicketsOptions {
  /** Configuration. */
  readonly config: KerberosConfig;
  /** Way to the KDCs; without it only what is in the cache can be had. */
  readonly kdc?: KdcClient | undefined;
  /** Where tickets are kept. @default {memory} */
  readonly cache?: CredentialCache | undefined;
  /** Who to be when the cache has no good ticket-granting ticket. A cache of somebody else's is neither used nor overwritten. */
  readonly initial?: { readonly client: Principal; readonly key: ClientKey } | undefined;
  /** Clock and randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /**
   * A clock that nobody sets, in milliseconds: where the other one has moved apart from it, the KDC's is measured anew.
   *
   * @default {the machine's; with a `runtime` of one's own, the clock of that}
   */
  readonly monotonic?: (() => number) | undefined;
}

/** Tickets kept beside a cache that cannot be written to. */
const MAX_UNSAVED = 100;

/** What a ticket is asked for with. */
type AskedOfTgs = Pick<TgsExchangeInput, "tgt" | "service"> & Partial<TgsExchangeInput> & {
  readonly kdcOffset: number;
};

/** Tickets of one client. */
export class KerberosTickets implements TicketSource {
  /** Where they are kept. */
  readonly cache: CredentialCache;
  readonly #options: KerberosTicketsOptions;
  readonly #runtime: Runtime;
  readonly #clock: KdcClock;
  #unsaved: readonly Credential[] = [];
  /** Whom the KDC has answered for, which may be another name than was asked for. */
  #answeredFor: Principal | undefined;
  readonly #requests = new SharedRequests<ServiceTicket>();

  /**
   * Makes one.
   *
   * @param options Cache, secret and way to the KDCs.
   */
  constructor(options: KerberosTicketsOptions) {
    this.#options = options;
    this.#runtime = options.runtime ?? systemRuntime;
    this.#clock = new KdcClock(this.#runtime, options.monotonic);
    this.cache = options.cache ?? new MemoryCredentialCache();
  }

  /** See {@linkcode TicketSource.serviceTicket}. */
  serviceTicket(service: Principal, options: KdcCallOptions = {}): Promise<ServiceTicket> {
    return this.#requests.once(
      `service ${formatPrincipal(service)}`,
      options.signal,
      (signal) => this.#service(service, signal),
    );
  }

  /** See {@linkcode TicketSource.forwardedTicket}. */
  forwardedTicket(options: KdcCallOptions = {}): Promise<ServiceTicket> {
    return this.#requests.once("forwarded", options.signal, (signal) => this.#forwarded(signal));
  }

  /** See {@linkcode TicketSource.refusedForTime}. With a secret tickets are got anew then, without one the KDC's clock is measured. */
  refusedForTime({ kdcOffset }: ServiceTicket): boolean {
    const { kdc, config } = this.#options;
    return kdc !== undefined && config.kdcTimesync && this.#clock.refused(kdcOffset);
  }

  /** Gets an initial ticket anew, with the secret given, and empties the cache of older ones. */
  initialTicket(options: KdcCallOptions = {}): Promise<ServiceTicket> {
    return this.#requests.once("initial", options.signal, (signal) => this.#acquire(signal));
  }

  /**
   * Renews the ticket-granting ticket in the cache (RFC 4120 section 2.3).
   *
   * @throws {KdcError} `KDC_ERR_BADOPTION` when it cannot be renewed.
   */
  renewedTicket(options: KdcCallOptions = {}): Promise<ServiceTicket> {
    return this.#requests.once("renewed", options.signal, (signal) => this.#renew(signal));
  }

  /** What is in the cache, unless it is somebody else's: then it is neither used nor overwritten. */
  async #load(): Promise<CredentialCacheData | undefined> {
    const data = await this.cache.load();
    if (data === undefined || this.#isOurs(data)) return data;
    const { initial, config } = this.#options;
    const renamed = canonicalizes({ canonicalize: config.canonicalize, client: initial!.client });
    // The KDC may answer for another name: whether for this one, it says itself, and has not been asked yet.
    if (renamed && this.#answeredFor === undefined) return undefined;
    throw this.#somebodyElses(data);
  }

  #isOurs({ principal }: CredentialCacheData): boolean {
    const { initial } = this.#options;
    const names = [initial?.client, this.#answeredFor];
    return initial === undefined || names.some((name) => name !== undefined && samePrincipal(principal, name));
  }

  #somebodyElses({ principal }: CredentialCacheData): KerberosError {
    return new KerberosError(
      "NO_CREDENTIALS",
      `Cannot get a ticket: ${this.cache.name} is of ${formatPrincipal(principal)}, not of ` +
        `${formatPrincipal(this.#options.initial!.client)}; name another cache, or run kinit`,
    );
  }

  async #service(wanted: Principal, signal: AbortSignal): Promise<ServiceTicket> {
    const data = await this.#load();
    const service = this.#withRealm(wanted, data);
    const kdcOffset = this.#clock.offset(data?.kdcOffset);
    const held = data && this.#find(data, service);
    if (data !== undefined && this.#contradicted(data)) {
      try {
        return await this.#anew(data, service, signal);
      } catch (error) {
        // As long as the KDC cannot be asked, what there is may still do.
        if (held === undefined || !(error instanceof KerberosError) || error.code !== "KDC_UNREACHABLE") throw error;
        this.#clock.unmeasurable();
      }
    }
    if (held !== undefined) return { credential: held, kdcOffset };
    const { credential: tgt } = await this.#ticketGrantingTicket(data, signal);
    return await this.#fromTgs({ tgt, service, kdcOffset: this.#clock.offset(data?.kdcOffset) }, signal);
  }

  async #fromTgs(asked: AskedOfTgs, signal: AbortSignal): Promise<ServiceTicket> {
    const { credential, path, kdcOffset } = await this.#askTgs(asked, signal);
    for (const got of [...path, credential]) await this.#keep(got);
    return { credential, kdcOffset };
  }

  /** Whether a clock was set since the tickets were got, as far as that can be told. */
  #contradicted(data: CredentialCacheData): boolean {
    const { kdc, config, initial } = this.#options;
    if (kdc === undefined || !config.kdcTimesync) return false;
    if (this.#clock.isDoubtful) return true;
    // Who has a secret needs no ticket-granting ticket that lasts.
    const tgt = initial === undefined ? this.#anyTgt(data) : undefined;
    return tgt !== undefined && contradictsClock(tgt, { ...this.#terms(data), ours: this.#runtime.now() });
  }

  /** A ticket by clocks that are not as they were: all tickets anew where there is a secret, else by our own clock to begin with. */
  async #anew(data: CredentialCacheData, service: Principal, signal: AbortSignal): Promise<ServiceTicket> {
    if (this.#options.initial !== undefined) {
      const { credential: tgt, kdcOffset } = await this.#initial(signal);
      return await this.#fromTgs({ tgt, service, kdcOffset }, signal);
    }
    const tgt = this.#anyTgt(data);
    if (tgt === undefined) throw this.#noTicket(data);
    const got = await this.#fromTgs({ tgt, service, kdcOffset: 0 }, signal).catch((error) => {
      const expired = isClockRefusal(error) && error.errorCode === ErrorCode.KRB_AP_ERR_TKT_EXPIRED;
      throw expired ? this.#noTicket(data) : error;
    });
    this.#clock.measured(got.kdcOffset);
    await this.#storeOffset(got.kdcOffset);
    return got;
  }

  /** Whoever uses the cache next is to know it, too. */
  async #storeOffset(kdcOffset: number): Promise<void> {
    const data = await this.cache.load();
    if (data === undefined || (data.kdcOffset ?? 0) === kdcOffset) return;
    try {
      await this.cache.initialize({ ...data, kdcOffset }, { replaces: data });
    } catch (error) {
      if (!(error instanceof KerberosError)) throw error;
      // A cache that cannot be written to, or is somebody else's by now.
    }
  }

  /**
   * Asks by the clock as it is reckoned, and where the KDC refuses for that once more by the one that its refusal tells. Nothing
   * authenticates a refusal, but what comes of it, if anything does, is a ticket, which only the KDC can make.
   */
  async #askTgs(asked: AskedOfTgs, signal: AbortSignal): Promise<TgsExchangeResult & { readonly kdcOffset: number }> {
    const { defaultTgsEnctypes: enctypes, clockskew, kdcTimesync } = this.#options.config;
    const ask = async (kdcOffset: number) => {
      const exchange = tgsExchange({ enctypes, clockskew, runtime: this.#runtime, ...asked, kdcOffset });
      return { ...await this.#kdc().run(exchange, { signal }), kdcOffset };
    };
    try {
      return await ask(asked.kdcOffset);
    } catch (error) {
      if (!kdcTimesync || !isClockRefusal(error)) throw error;
      const told = significantOffset(error.clockOffset);
      if (significantOffset(told - asked.kdcOffset) === 0) throw error;
      const got = await ask(told);
      this.#clock.measured(told);
      await this.#storeOffset(told);
      return got;
    }
  }

  /** A cache that cannot be written to is no reason to do without the ticket; it is kept here then. */
  async #keep(credential: Credential): Promise<void> {
    try {
      await this.cache.store(credential);
    } catch (error) {
      if (!(error instanceof KerberosError) || error.code !== "BAD_FILE") throw error;
      this.#unsaved = [credential, ...this.#unsaved].slice(0, MAX_UNSAVED);
    }
  }

  #kdc(): KdcClient {
    const { kdc } = this.#options;
    if (kdc !== undefined) return kdc;
    throw new KerberosError("KDC_UNREACHABLE", "Cannot get a ticket: no way to a KDC was given");
  }

  /** Realm of the host that the service runs on, where the configuration says; else the KDC is left to say. */
  #withRealm(wanted: Principal, data: CredentialCacheData | undefined): Principal {
    if (wanted.realm !== "") return wanted;
    const client = data?.principal ?? this.#options.initial?.client;
    const mapped = wanted.components[1] && realmOfHost(this.#options.config, wanted.components[1]);
    return { ...wanted, realm: mapped || (client === undefined ? this.#options.config.defaultRealm ?? "" : "") };
  }

  #find(data: CredentialCacheData, service: Principal): Credential | undefined {
    const terms = this.#terms(data);
    return this.#all(data).find((held) => isFor(held, data.principal, service) && isGood(held, terms));
  }

  #all(data: CredentialCacheData): readonly Credential[] {
    return [...this.#unsaved, ...data.credentials];
  }

  /** A ticket that is about to end is not used, unless there is nothing that another one could be got with. */
  #terms(data: CredentialCacheData): TicketTerms {
    const { config, initial } = this.#options;
    const terms = { config, now: this.#runtime.now() + this.#clock.offset(data.kdcOffset), margin: MARGIN };
    const tgt = krbtgt(data.principal.realm);
    const more = initial !== undefined ||
      this.#all(data).some((held) => isFor(held, data.principal, tgt) && isGood(held, terms));
    return more ? terms : { ...terms, margin: 0 };
  }

  /** The ticket-granting ticket of a cache, whatever its times. */
  #anyTgt(data: CredentialCacheData): Credential | undefined {
    return this.#all(data).find((held) => isFor(held, data.principal, krbtgt(data.principal.realm)));
  }

  async #ticketGrantingTicket(data: CredentialCacheData | undefined, signal: AbortSignal): Promise<ServiceTicket> {
    const held = data && this.#find(data, krbtgt(data.principal.realm));
    if (held !== undefined) return { credential: held, kdcOffset: this.#clock.offset(data?.kdcOffset) };
    if (this.#options.initial !== undefined) return await this.#initial(signal);
    throw this.#noTicket(data);
  }

  #noTicket(data: CredentialCacheData | undefined): KerberosError {
    return noTicket(this.cache.name, data, this.#runtime.now() + this.#clock.offset(data?.kdcOffset));
  }

  /** An initial ticket for whoever needs one, which is one request however many services are asked for. */
  #initial(signal: AbortSignal): Promise<ServiceTicket> {
    return this.#requests.once("initial, careful", signal, (stop) => this.#acquire(stop, true));
  }

  /** An initial ticket, in place of what is in the cache; `careful` where that must not be somebody else's. */
  async #acquire(signal: AbortSignal, careful = false): Promise<ServiceTicket> {
    const { initial, config } = this.#options;
    if (initial === undefined) {
      throw new KerberosError("NO_CREDENTIALS", "Cannot get a ticket: there is no password or key");
    }
    const exchange = () => asExchange(initialRequest(config, initial, this.#runtime));
    const got = await this.#kdc().runWithSecret(exchange, { signal });
    const { credential, kdcOffset } = got;
    this.#clock.measured(kdcOffset);
    this.#answeredFor = credential.client;
    const held = careful ? await this.cache.load() : undefined;
    if (held !== undefined && !this.#isOurs(held)) throw this.#somebodyElses(held);
    await this.cache.initialize({ principal: credential.client, credentials: [credential], kdcOffset });
    this.#unsaved = [];
    return got;
  }

  async #renew(signal: AbortSignal): Promise<ServiceTicket> {
    const data = await this.#load();
    const held = data?.credentials.find(({ server }) => samePrincipal(server, krbtgt(data.principal.realm)));
    if (data === undefined || held === undefined) {
      throw new KerberosError("NO_CREDENTIALS", `Cannot renew: ${this.cache.name} has no ticket-granting ticket`);
    }
    const reckoned = this.#clock.offset(data.kdcOffset);
    const enctypes = this.#options.config.defaultTktEnctypes;
    const renewal = { tgt: held, service: held.server, enctypes, options: KdcOption.Renew, kdcOffset: reckoned };
    const { credential, kdcOffset } = await this.#askTgs(renewal, signal);
    const renewed = { principal: data.principal, credentials: [credential], kdcOffset };
    await this.cache.initialize(renewed, { replaces: data });
    return { credential, kdcOffset };
  }

  async #forwarded(signal: AbortSignal): Promise<ServiceTicket> {
    const { credential: tgt, kdcOffset: reckoned } = await this.#ticketGrantingTicket(await this.#load(), signal);
    if (!isForwardable(tgt)) {
      throw new KerberosError("NO_CREDENTIALS", "Cannot delegate: the ticket-granting ticket is not forwardable");
    }
    const service = krbtgt(tgt.client.realm);
    const asked = { tgt, service, options: KdcOption.Forwarded, kdcOffset: reckoned };
    const { credential, kdcOffset } = await this.#askTgs(asked, signal);
    return { credential, kdcOffset };
  }
}
