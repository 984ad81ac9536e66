/**
 * Tickets on demand: out of a credential cache, or from a KDC with a password or keytab, one request at a time for each
 * service however many ask.
 *
 * @module
 */
import { abortable } from "../../gss/deadline.ts";
import { type Runtime, systemRuntime } from "../../gss/runtime.ts";
import { type KerberosConfig, realmOfHost } from "../config/krb5_conf.ts";
import { KdcOption, TicketFlag } from "../constants.ts";
import { isSupported } from "../crypto/profile.ts";
import { KerberosError } from "../errors.ts";
import { formatPrincipal, krbtgt, type Principal, samePrincipal } from "../principal.ts";
import { type CredentialCache, MemoryCredentialCache } from "../stores/cache.ts";
import type { CredentialCacheData } from "../stores/ccache.ts";
import type { Credential } from "../stores/credential.ts";
import { asExchange } from "./as_exchange.ts";
import { canonicalizes } from "./as_state.ts";
import type { ClientKey } from "./client_key.ts";
import type { KdcCallOptions, KdcClient } from "./kdc_client.ts";
import { isForwardable, tgsExchange, type TgsExchangeInput, type TgsExchangeResult } from "./tgs_exchange.ts";

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
}

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
}

/** A ticket that ends within this many milliseconds counts as ended. */
const MARGIN = 60_000;
/** Tickets kept beside a cache that cannot be written to. */
const MAX_UNSAVED = 100;

/** A request to a KDC that several may wait for. */
interface SharedRequest {
  readonly ticket: Promise<ServiceTicket>;
  readonly stop: AbortController;
  waiting: number;
}

/** Tickets of one client. */
export class KerberosTickets implements TicketSource {
  /** Where they are kept. */
  readonly cache: CredentialCache;
  readonly #options: KerberosTicketsOptions;
  readonly #runtime: Runtime;
  #unsaved: readonly Credential[] = [];
  /** Whom the KDC has answered for, which may be another name than was asked for. */
  #answeredFor: Principal | undefined;
  readonly #underway = new Map<string, SharedRequest>();

  /**
   * Makes one.
   *
   * @param options Cache, secret and way to the KDCs.
   */
  constructor(options: KerberosTicketsOptions) {
    this.#options = options;
    this.#runtime = options.runtime ?? systemRuntime;
    this.cache = options.cache ?? new MemoryCredentialCache();
  }

  /** See {@linkcode TicketSource.serviceTicket}. */
  serviceTicket(service: Principal, options: KdcCallOptions = {}): Promise<ServiceTicket> {
    return this.#once(`service ${formatPrincipal(service)}`, options, (signal) => this.#service(service, signal));
  }

  /** See {@linkcode TicketSource.forwardedTicket}. */
  forwardedTicket(options: KdcCallOptions = {}): Promise<ServiceTicket> {
    return this.#once("forwarded", options, (signal) => this.#forwarded(signal));
  }

  /** Gets an initial ticket anew, with the secret given, and empties the cache of older ones. */
  initialTicket(options: KdcCallOptions = {}): Promise<ServiceTicket> {
    return this.#once("initial", options, (signal) => this.#acquire(signal));
  }

  /**
   * Renews the ticket-granting ticket in the cache (RFC 4120 section 2.3).
   *
   * @throws {KdcError} `KDC_ERR_BADOPTION` when it cannot be renewed.
   */
  renewedTicket(options: KdcCallOptions = {}): Promise<ServiceTicket> {
    return this.#once("renewed", options, (signal) => this.#renew(signal));
  }

  /** One request serves everybody who waits for the same; it is given up when nobody waits for it any more. */
  #once(
    key: string,
    options: KdcCallOptions,
    get: (signal: AbortSignal) => Promise<ServiceTicket>,
  ): Promise<ServiceTicket> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    let request = this.#underway.get(key);
    if (request === undefined) {
      const stop = new AbortController();
      const ticket = get(stop.signal).finally(() => this.#forget(key, stop));
      request = { ticket, stop, waiting: 0 };
      this.#underway.set(key, request);
    }
    const { ticket, stop } = request;
    const shared = request;
    shared.waiting++;
    const leave = () => {
      if (--shared.waiting > 0) return;
      // It fails from here on, so nobody else may come to wait for it.
      this.#forget(key, stop);
      stop.abort(signal!.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    return abortable(ticket, signal).finally(() => signal?.removeEventListener("abort", leave));
  }

  #forget(key: string, stop: AbortController): void {
    if (this.#underway.get(key)?.stop === stop) this.#underway.delete(key);
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
    const held = data && this.#find(data, service);
    if (held !== undefined) return { credential: held, kdcOffset: data?.kdcOffset ?? 0 };
    const { credential: tgt, kdcOffset } = await this.#ticketGrantingTicket(data, signal);
    const { credential, path } = await this.#askTgs({ tgt, service, kdcOffset }, signal);
    for (const got of [...path, credential]) await this.#keep(got);
    return { credential, kdcOffset };
  }

  #askTgs(
    asked: Pick<TgsExchangeInput, "tgt" | "service"> & Partial<TgsExchangeInput>,
    signal: AbortSignal,
  ): Promise<TgsExchangeResult> {
    const { defaultTgsEnctypes: enctypes, clockskew } = this.#options.config;
    return this.#kdc().run(tgsExchange({ enctypes, clockskew, runtime: this.#runtime, ...asked }), { signal });
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

  /** Exactly the service asked for; where its realm is not known, in any realm. */
  #find(data: CredentialCacheData, service: Principal): Credential | undefined {
    return [...this.#unsaved, ...data.credentials].find((held) =>
      samePrincipal(held.client, data.principal) && !held.isConfiguration &&
      samePrincipal(held.server, service.realm === "" ? { ...service, realm: held.server.realm } : service) &&
      this.#good(held, data.kdcOffset)
    );
  }

  /** Good now, and with a session key that would be asked for today. */
  #good(credential: Credential, kdcOffset = 0): boolean {
    const { clockskew, defaultTgsEnctypes, permittedEnctypes } = this.#options.config;
    const { endtime, starttime, flags, server, key: { enctype } } = credential;
    const now = this.#runtime.now() + kdcOffset;
    const wanted = server.components[0] === "krbtgt" ? permittedEnctypes : defaultTgsEnctypes;
    return endtime > now + MARGIN && starttime <= now + clockskew && (flags & TicketFlag.Invalid) === 0 &&
      wanted.includes(enctype) && isSupported(enctype);
  }

  async #ticketGrantingTicket(data: CredentialCacheData | undefined, signal: AbortSignal): Promise<ServiceTicket> {
    if (data !== undefined) {
      const { realm } = data.principal;
      const held = this.#find(data, krbtgt(realm));
      if (held !== undefined) return { credential: held, kdcOffset: data.kdcOffset ?? 0 };
    }
    if (this.#options.initial !== undefined) return await this.#acquire(signal, true);
    throw this.#noTicket(data);
  }

  /** Why there is no ticket-granting ticket to be used. */
  #noTicket(data: CredentialCacheData | undefined): KerberosError {
    const { name } = this.cache;
    if (data === undefined) {
      return new KerberosError("NO_CREDENTIALS", `Cannot get a ticket: ${name} is empty; run kinit first`);
    }
    const now = this.#runtime.now() + (data.kdcOffset ?? 0);
    const odd = data.credentials.find(({ server, endtime }) =>
      samePrincipal(server, krbtgt(data.principal.realm)) && endtime > now + MARGIN
    );
    return odd === undefined
      ? new KerberosError("TICKET_EXPIRED", `Cannot get a ticket: the one in ${name} has expired; run kinit again`)
      : new KerberosError(
        "NO_CREDENTIALS",
        `Cannot get a ticket: the one in ${name} is not to be used: its session key is of ${odd.key.enctypeName}, ` +
          `it begins ${Math.max(0, Math.round((odd.starttime - now) / 1000))} s from now, and is ` +
          ((odd.flags & TicketFlag.Invalid) === 0 ? "valid" : "invalid") + "; run kinit again",
      );
  }

  /** An initial ticket, in place of what is in the cache; `careful` where that must not be somebody else's. */
  async #acquire(signal: AbortSignal, careful = false): Promise<ServiceTicket> {
    const { initial, config } = this.#options;
    if (initial === undefined) {
      throw new KerberosError("NO_CREDENTIALS", "Cannot get a ticket: there is no password or key");
    }
    const got = await this.#kdc().run(
      asExchange({
        client: initial.client,
        key: initial.key,
        enctypes: config.defaultTktEnctypes,
        lifetime: config.ticketLifetime,
        renewLifetime: config.renewLifetime,
        forwardable: config.forwardable,
        proxiable: config.proxiable,
        canonicalize: config.canonicalize,
        timesync: config.kdcTimesync,
        clockskew: config.clockskew,
        runtime: this.#runtime,
      }),
      { signal },
    );
    const { credential, kdcOffset } = got;
    this.#answeredFor = credential.client;
    const held = careful ? await this.cache.load() : undefined;
    if (held !== undefined && !this.#isOurs(held)) throw this.#somebodyElses(held);
    await this.cache.initialize({ principal: credential.client, credentials: [credential], kdcOffset });
    return got;
  }

  async #renew(signal: AbortSignal): Promise<ServiceTicket> {
    const data = await this.#load();
    const held = data?.credentials.find(({ server }) => samePrincipal(server, krbtgt(data.principal.realm)));
    if (data === undefined || held === undefined) {
      throw new KerberosError("NO_CREDENTIALS", `Cannot renew: ${this.cache.name} has no ticket-granting ticket`);
    }
    const kdcOffset = data.kdcOffset ?? 0;
    const enctypes = this.#options.config.defaultTktEnctypes;
    const renewal = { tgt: held, service: held.server, enctypes, options: KdcOption.Renew, kdcOffset };
    const { credential } = await this.#askTgs(renewal, signal);
    const renewed = { principal: data.principal, credentials: [credential], kdcOffset };
    await this.cache.initialize(renewed, { replaces: data });
    return { credential, kdcOffset };
  }

  async #forwarded(signal: AbortSignal): Promise<ServiceTicket> {
    const { credential: tgt, kdcOffset } = await this.#ticketGrantingTicket(await this.#load(), signal);
    if (!isForwardable(tgt)) {
      throw new KerberosError("NO_CREDENTIALS", "Cannot delegate: the ticket-granting ticket is not forwardable");
    }
    const service = krbtgt(tgt.client.realm);
    const { credential } = await this.#askTgs({ tgt, service, options: KdcOption.Forwarded, kdcOffset }, signal);
    return { credential, kdcOffset };
  }
}
