/**
 * Tickets on demand: from a credential cache, or from a KDC with a password or keytab. For each service there is one request at a
 * time, however many callers wait for it.
 *
 * @module
 */
import { type Runtime, systemRuntime } from "../../../base/runtime.ts";
import { SharedRequests } from "../../../base/shared_requests.ts";
import type { KerberosConfig } from "../../config/krb5_conf.ts";
import { realmOfHost } from "../../config/realms.ts";
import { KerberosError } from "../../errors.ts";
import { asExchange } from "../../exchange/as.ts";
import type { ClientKey } from "../../exchange/client_key.ts";
import { isClockRefusal } from "../../exchange/clock_offset.ts";
import { formatPrincipal, krbtgt, type Principal, samePrincipal } from "../../principal.ts";
import type { KdcCallOptions, KdcClient } from "../../reach/kdc_client.ts";
import { type KerberosTracer, trace } from "../../reach/trace.ts";
import { ErrorCode } from "../../registry/errors.ts";
import { KdcOption } from "../../registry/flags.ts";
import type { CredentialCache, CredentialCacheData } from "../cache.ts";
import { MemoryCredentialCache } from "../caches/memory.ts";
import type { ForwardedTicketOptions, ServiceTicket, TicketSource } from "../ticket_source.ts";
import { forwardRequest, sameTicketRequest } from "./derived_tickets.ts";
import { initialRequest } from "./initial_request.ts";
import { KdcClock } from "./kdc_clock.ts";
import { MemberTickets } from "./member_tickets.ts";
import { TgsClient, type TicketRequest } from "./tgs_client.ts";
import { TicketStore } from "./ticket_store.ts";

/** Options of {@linkcode KerberosTickets}. */
export interface KerberosTicketsOptions {
  /** Configuration. */
  readonly config: KerberosConfig;
  /** Client of the KDCs; without it there are only the tickets in the cache. */
  readonly kdc?: KdcClient | undefined;
  /** Where tickets are kept. @default {memory} */
  readonly cache?: CredentialCache | undefined;
  /**
   * Client and its secret, for when the cache has no good ticket-granting ticket. A cache that belongs to another client is neither
   * used nor overwritten.
   */
  readonly initial?: { readonly client: Principal; readonly key: ClientKey } | undefined;
  /** Called when the cache is read, and with each ticket that is found or issued. @default {none} */
  readonly tracer?: KerberosTracer | undefined;
  /** Clock and randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /**
   * A monotonic clock, in milliseconds. If the clock of `runtime` moves apart from it, the KDC's clock is measured again.
   *
   * @default {the machine's; with a `runtime` of your own, the clock of that}
   */
  readonly monotonic?: (() => number) | undefined;
}

/** Options of {@linkcode KerberosTickets.initialTicket}. */
export interface InitialTicketOptions extends KdcCallOptions {
  /** Service that the ticket is for. @default {the ticket-granting service} */
  readonly service?: Principal | undefined;
  /** How long from now the ticket becomes valid, in milliseconds; a postdated one must be validated then. @default {0} */
  readonly startDelay?: number | undefined;
}

/**
 * Tickets of one client.
 *
 * @example
 * ```ts
 * import { KerberosTickets, parsePrincipal, passwordKey } from "@gssocks/gssocks/kerberos";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const initial = { client: parsePrincipal("alice@GSSOCKS.TEST"), key: passwordKey("secret") };
 * const tickets = new KerberosTickets({ config: kdc.config, kdc: kdc.client, initial });
 * const { credential } = await tickets.serviceTicket(parsePrincipal("rcmd/localhost@GSSOCKS.TEST"));
 * if (credential.server.components[0] !== "rcmd") throw new Error("ticket for another service");
 * ```
 */
export class KerberosTickets implements TicketSource {
  /** Where they are kept. */
  readonly cache: CredentialCache;
  readonly #options: KerberosTicketsOptions;
  /** Clock and randomness. */
  readonly runtime: Runtime;
  readonly #clock: KdcClock;
  readonly #store: TicketStore;
  readonly #tgs: TgsClient;
  readonly #requests = new SharedRequests<ServiceTicket>();
  /** Sources of the single caches, if the cache stands for a collection. */
  readonly #members: MemberTickets<KerberosTickets> | undefined;

  /**
   * Creates a source of tickets.
   *
   * @param options Cache, secret and client of the KDCs.
   */
  constructor(options: KerberosTicketsOptions) {
    const { config, cache = new MemoryCredentialCache(), initial, runtime = systemRuntime, monotonic } = options;
    const clock = new KdcClock(runtime, monotonic);
    const store = new TicketStore({ cache, config, client: initial?.client, clock, runtime });
    this.cache = cache;
    this.#options = options;
    this.runtime = runtime;
    this.#clock = clock;
    this.#store = store;
    const { collection }: CredentialCache = cache;
    const open = (member: CredentialCache) => new KerberosTickets({ ...options, cache: member });
    this.#members = collection && new MemberTickets({ collection, client: initial?.client, open });
    this.#tgs = new TgsClient({ config, kdc: () => this.#kdc(), clock, store, runtime });
  }

  /** See {@linkcode TicketSource.serviceTicket}. */
  async serviceTicket(service: Principal, options: KdcCallOptions = {}): Promise<ServiceTicket> {
    const members = this.#members;
    if (members !== undefined) {
      const member = await members.member(this.#withMappedRealm(service));
      return await members.ticket(member, (one) => one.serviceTicket(service, options));
    }
    const key = `service ${formatPrincipal(service)}`;
    return await this.#requests.once(key, options.signal, (signal) => this.#service(service, signal));
  }

  /** See {@linkcode TicketSource.forwardedTicket}. */
  async forwardedTicket(options: ForwardedTicketOptions = {}): Promise<ServiceTicket> {
    const members = this.#members;
    if (members !== undefined) {
      const member = (options.beside && members.issuerOf(options.beside)) ?? await members.member();
      return await member.forwardedTicket(options);
    }
    return await this.#requests.once("forwarded", options.signal, (signal) => this.#forwarded(signal));
  }

  /**
   * See {@linkcode TicketSource.refusedForTime}. With a secret all tickets are requested anew after that, without one the KDC's clock
   * is measured.
   */
  refusedForTime(ticket: ServiceTicket): boolean {
    if (this.#members !== undefined) return this.#members.issuerOf(ticket)?.refusedForTime(ticket) ?? false;
    const { kdcOffset } = ticket;
    const { kdc, config } = this.#options;
    return kdc !== undefined && config.kdcTimesync && this.#clock.refused(kdcOffset);
  }

  /** Requests an initial ticket with the secret given, and replaces all tickets in the cache by it. */
  async initialTicket(options: InitialTicketOptions = {}): Promise<ServiceTicket> {
    const members = this.#members;
    if (members !== undefined) return await members.ticket(await members.member(), (one) => one.initialTicket(options));
    const { signal, service, startDelay = 0 } = options;
    const key = `initial ${service === undefined ? "" : formatPrincipal(service)} in ${startDelay}`;
    const asked = { onlyOurs: false, service, startDelay };
    return await this.#requests.once(key, signal, (stop) => this.#acquire(stop, asked));
  }

  /**
   * Renews the ticket-granting ticket in the cache (RFC 4120 section 2.3).
   *
   * @throws {KdcError} `KDC_ERR_BADOPTION` if it cannot be renewed.
   */
  async renewedTicket(options: KdcCallOptions = {}): Promise<ServiceTicket> {
    if (this.#members !== undefined) return await (await this.#members.member()).renewedTicket(options);
    return await this.#requests.once("renewed", options.signal, (signal) => this.#exchanged("renew", signal));
  }

  /**
   * Validates the postdated ticket-granting ticket in the cache, which replaces it (RFC 4120 section 2.4).
   *
   * @throws {KdcError} `KRB_AP_ERR_TKT_NYV` before its time has come; `KDC_ERR_BADOPTION` if it needs no validation.
   */
  async validatedTicket(options: KdcCallOptions = {}): Promise<ServiceTicket> {
    if (this.#members !== undefined) return await (await this.#members.member()).validatedTicket(options);
    return await this.#requests.once("validated", options.signal, (signal) => this.#exchanged("validate", signal));
  }

  /** Whether there is a password or a key. */
  get hasSecret(): boolean {
    return this.#options.initial !== undefined;
  }

  /**
   * Returns the ticket-granting ticket of the cache that would be used now, without asking a KDC.
   *
   * @throws {KerberosError} `NO_CREDENTIALS` or `TICKET_EXPIRED`, with what to do, if none is good; others as the cache has them.
   */
  async currentTicket(): Promise<ServiceTicket> {
    if (this.#members !== undefined) return await (await this.#members.member()).currentTicket();
    const data = await this.#store.load();
    const held = data && this.#store.find(data, krbtgt(data.principal.realm));
    if (held === undefined) throw this.#store.noTicket(data);
    return { credential: held, kdcOffset: this.#clock.offset(data?.kdcOffset) };
  }

  /**
   * Requests a ticket-granting ticket with the secret, or renews the one in the cache. Calls that need one meanwhile wait for the same
   * request.
   *
   * @throws {KerberosError} As {@linkcode initialTicket} and {@linkcode renewedTicket}.
   */
  async freshTicket({ signal }: KdcCallOptions = {}): Promise<ServiceTicket> {
    const members = this.#members;
    if (members !== undefined) {
      return await members.ticket(await members.member(), (one) => one.freshTicket({ signal }));
    }
    if (!this.hasSecret) return await this.renewedTicket({ signal });
    return await this.#initial(signal);
  }

  async #service(wanted: Principal, signal: AbortSignal): Promise<ServiceTicket> {
    const data = await this.#store.load();
    const service = this.#withRealm(wanted, data);
    const kdcOffset = this.#clock.offset(data?.kdcOffset);
    const held = data && this.#store.find(data, service);
    this.#traceCache(data, kdcOffset);
    if (data !== undefined && this.#isClockWrong(data)) {
      try {
        return await this.#afresh(data, service, signal);
      } catch (error) {
        // While the KDC cannot be asked, the ticket that there is may still do.
        if (held === undefined || !(error instanceof KerberosError) || error.code !== "KDC_UNREACHABLE") throw error;
        this.#clock.unmeasurable();
      }
    }
    if (held !== undefined) return this.#traced("cache", { credential: held, kdcOffset });
    try {
      const { credential: tgt } = await this.#ticketGrantingTicket(data, signal);
      return await this.#fromTgs({ tgt, service, kdcOffset: this.#clock.offset(data?.kdcOffset) }, signal);
    } catch (error) {
      signal.throwIfAborted();
      // A fresher one was to be had; the one that there is ends soon, but is good.
      const ending = data && this.#store.findEnding(data, service);
      if (ending === undefined) throw error;
      return this.#traced("cache", { credential: ending, kdcOffset });
    }
  }

  async #fromTgs(request: TicketRequest, signal: AbortSignal): Promise<ServiceTicket> {
    const { credential, path, kdcOffset } = await this.#tgs.request(request, signal);
    for (const issued of [...path, credential]) {
      await this.#store.keep(issued);
      this.#traced("kdc", { credential: issued, kdcOffset });
    }
    return { credential, kdcOffset };
  }

  /** Whether a clock was set since the tickets were issued, as far as that can be known. */
  #isClockWrong(data: CredentialCacheData): boolean {
    const { kdc, config, initial } = this.#options;
    if (kdc === undefined || !config.kdcTimesync) return false;
    if (this.#clock.isDoubtful) return true;
    // With a secret, the times of the ticket-granting ticket do not matter.
    return initial === undefined && this.#store.contradictsClock(data);
  }

  /** Requests a ticket after a clock was set: all tickets anew if there is a secret, otherwise by our own clock to begin with. */
  async #afresh(data: CredentialCacheData, service: Principal, signal: AbortSignal): Promise<ServiceTicket> {
    if (this.#options.initial !== undefined) {
      const { credential: tgt, kdcOffset } = await this.#initial(signal);
      return await this.#fromTgs({ tgt, service, kdcOffset }, signal);
    }
    const tgt = this.#store.anyTgt(data);
    if (tgt === undefined) throw this.#store.noTicket(data);
    const issued = await this.#fromTgs({ tgt, service, kdcOffset: 0 }, signal).catch((error) => {
      const expired = isClockRefusal(error) && error.errorCode === ErrorCode.KRB_AP_ERR_TKT_EXPIRED;
      throw expired ? this.#store.noTicket(data) : error;
    });
    this.#clock.measured(issued.kdcOffset);
    await this.#store.storeOffset(issued.kdcOffset);
    return issued;
  }

  #traceCache(data: CredentialCacheData | undefined, clockOffset: number): void {
    trace(this.#options.tracer, () => ({
      ...{ type: "cache", cache: this.cache.name, clockOffset },
      client: data && formatPrincipal(data.principal),
      services: (data?.credentials ?? []).filter((held) => !held.isConfiguration)
        .map(({ server }) => formatPrincipal(server)),
    }));
  }

  /** Shows a ticket to the observer, and returns it. */
  #traced(from: "cache" | "kdc", ticket: ServiceTicket): ServiceTicket {
    trace(this.#options.tracer, () => ({
      ...{ type: "ticket", from, cache: this.cache.name, clockOffset: ticket.kdcOffset },
      service: formatPrincipal(ticket.credential.server),
      enctype: ticket.credential.key.enctype,
      endtime: ticket.credential.endtime,
    }));
    return ticket;
  }

  #kdc(): KdcClient {
    const { kdc } = this.#options;
    if (kdc !== undefined) return kdc;
    throw new KerberosError("KDC_UNREACHABLE", "Cannot get a ticket: there is no client of a KDC");
  }

  /** Adds the realm of the host that the service runs on if the configuration knows it; otherwise the KDC says which it is. */
  #withRealm(wanted: Principal, data: CredentialCacheData | undefined): Principal {
    const mapped = this.#withMappedRealm(wanted);
    if (mapped.realm !== "") return mapped;
    const { config, initial } = this.#options;
    const client = data?.principal ?? initial?.client;
    return { ...wanted, realm: client === undefined ? config.defaultRealm ?? "" : "" };
  }

  #withMappedRealm(wanted: Principal): Principal {
    if (wanted.realm !== "") return wanted;
    const mapped = wanted.components[1] && realmOfHost(this.#options.config, wanted.components[1]);
    return { ...wanted, realm: mapped || "" };
  }

  async #ticketGrantingTicket(data: CredentialCacheData | undefined, signal: AbortSignal): Promise<ServiceTicket> {
    const held = data && this.#store.find(data, krbtgt(data.principal.realm));
    if (held !== undefined) return { credential: held, kdcOffset: this.#clock.offset(data?.kdcOffset) };
    if (this.#options.initial !== undefined) return await this.#initial(signal);
    throw this.#store.noTicket(data);
  }

  /** An initial ticket on the way to another one: one request, however many services it is for. */
  #initial(signal: AbortSignal | undefined): Promise<ServiceTicket> {
    return this.#requests.once("initial, ours", signal, (stop) => this.#acquire(stop, { onlyOurs: true }));
  }

  async #acquire(
    signal: AbortSignal,
    { onlyOurs, ...asked }: { readonly onlyOurs: boolean } & InitialTicketOptions,
  ): Promise<ServiceTicket> {
    const { initial, config } = this.#options;
    if (initial === undefined) {
      throw new KerberosError("NO_CREDENTIALS", "Cannot get a ticket: there is no password or key");
    }
    const exchange = () => asExchange(initialRequest(config, { ...initial, ...asked }, this.runtime));
    const issued = await this.#kdc().runWithSecret(exchange, { signal });
    this.#clock.measured(issued.kdcOffset);
    await this.#store.begin(issued, { onlyOurs });
    return this.#traced("kdc", issued);
  }

  /** Exchanges the ticket-granting ticket in the cache for the same one, renewed or validated. */
  async #exchanged(what: "renew" | "validate", signal: AbortSignal): Promise<ServiceTicket> {
    const data = await this.#store.load();
    const tgt = data?.credentials.find(({ server }) => samePrincipal(server, krbtgt(data.principal.realm)));
    if (data === undefined || tgt === undefined) {
      throw new KerberosError("NO_CREDENTIALS", `Cannot ${what}: ${this.cache.name} has no ticket-granting ticket`);
    }
    const offset = this.#clock.offset(data.kdcOffset);
    const option = what === "renew" ? KdcOption.Renew : KdcOption.Validate;
    const request = sameTicketRequest(tgt, option, { offset, enctypes: this.#options.config.defaultTktEnctypes });
    const { credential, kdcOffset } = await this.#tgs.request(request, signal);
    await this.#store.renew(data, credential, kdcOffset);
    return this.#traced("kdc", { credential, kdcOffset });
  }

  async #forwarded(signal: AbortSignal): Promise<ServiceTicket> {
    const own = await this.#ticketGrantingTicket(await this.#store.load(), signal);
    const { credential, kdcOffset } = await this.#tgs.request(forwardRequest(own), signal);
    return { credential, kdcOffset };
  }
}
