/**
 * Credentials of the Kerberos mechanism: a source of tickets that starts contexts, and a keytab that accepts them.
 *
 * @module
 */
import type {
  AcceptOptions,
  GssAcceptorCredential,
  GssInitiatorCredential,
  InitiateOptions,
} from "../../gss/credential.ts";
import type { GssFlags } from "../../gss/context.ts";
import type { GssNegotiation } from "../../gss/negotiation.ts";
import { ownBindings } from "../../gss/channel_bindings.ts";
import type { GssName } from "../../gss/names.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import type { ServiceTicket, TicketSource } from "../credentials/ticket_source.ts";
import { KdcError, KerberosError } from "../errors.ts";
import { principalOfGssName } from "../principal.ts";
import { type AcceptorInit, KerberosAcceptor } from "./acceptor.ts";
import { toGssError } from "./errors.ts";
import { KerberosInitiator } from "./initiator.ts";
import { MemoryReplayCache } from "../ap/replay/memory.ts";
import type { ReplayCache } from "../ap/replay/cache.ts";
import { KERBEROS_OID } from "./tokens/context.ts";

const DEFAULT_FLAGS: Required<GssFlags> = {
  delegation: false,
  mutual: true,
  replay: true,
  sequence: true,
  confidentiality: true,
  integrity: true,
};

const NO_FLAGS: Required<GssFlags> = {
  delegation: false,
  mutual: false,
  replay: false,
  sequence: false,
  confidentiality: false,
  integrity: false,
};

/** Options of a {@linkcode KerberosInitiatorCredential}. */
export interface KerberosInitiatorOptions {
  /** Clock and randomness. @default {those of the tickets} */
  readonly runtime?: Runtime | undefined;
}

/**
 * Starts Kerberos contexts with tickets of one client.
 *
 * @example
 * ```ts
 * import { hostbasedService } from "@gssocks/gssocks/gss";
 * import { KerberosInitiatorCredential, systemTickets } from "@gssocks/gssocks/kerberos";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const tickets = systemTickets({ config: kdc.config, principal: "alice", password: "secret" });
 * const negotiation = await new KerberosInitiatorCredential(tickets).initiate(hostbasedService("rcmd", "localhost"));
 * const { token } = await negotiation.step();
 * if (token === undefined) throw new Error("no token for the service");
 * ```
 */
export class KerberosInitiatorCredential implements GssInitiatorCredential {
  /** Kerberos V5. */
  readonly mechanism: string = KERBEROS_OID;
  readonly #tickets: TicketSource;
  readonly #runtime: Runtime;

  /**
   * Creates a credential from a source of tickets.
   *
   * @param tickets Source of tickets.
   * @param options Clock and randomness.
   */
  constructor(tickets: TicketSource, options: KerberosInitiatorOptions = {}) {
    this.#tickets = tickets;
    this.#runtime = options.runtime ?? tickets.runtime ?? systemRuntime;
  }

  /**
   * See {@linkcode GssInitiatorCredential.initiate}. Tickets are delegated only if the flag requests it. If no forwardable ticket
   * can be obtained, the context is made without delegation, and its flags say so (RFC 2743 section 2.2.1, deleg_state).
   */
  async initiate(target: GssName, options: InitiateOptions = {}): Promise<GssNegotiation> {
    const { signal } = options;
    const channelBindings = options.channelBindings && ownBindings(options.channelBindings);
    const flags = options.flags === undefined ? DEFAULT_FLAGS : { ...NO_FLAGS, ...options.flags };
    try {
      const ticket = await this.#tickets.serviceTicket(principalOfGssName(target), { signal });
      const forwarded = flags.delegation ? await this.#forwarded(ticket, signal) : undefined;
      const refusedForTime = (refused: ServiceTicket) => this.#tickets.refusedForTime?.(refused) ?? false;
      return new KerberosInitiator({
        ticket,
        flags,
        forwarded,
        channelBindings,
        refusedForTime,
        runtime: this.#runtime,
      });
    } catch (error) {
      throw toGssError(error);
    }
  }

  async #forwarded(beside: ServiceTicket, signal: AbortSignal | undefined): Promise<ServiceTicket | undefined> {
    try {
      return await this.#tickets.forwardedTicket({ beside, signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof KerberosError || error instanceof KdcError) return undefined;
      throw error;
    }
  }
}

/** Options of a {@linkcode KerberosAcceptorCredential}. */
export interface KerberosAcceptorOptions extends Omit<AcceptorInit, "replayCache" | "channelBindings"> {
  /**
   * Authenticators seen before. Share one cache between all acceptors of the same keys, and keep it when a server restarts. If
   * the cache has {@linkcode ReplayCache.knowsSince}, as every cache in memory has, contexts without mutual authentication are
   * refused as long as they may be replays from before that time.
   *
   * Without this option the credential assumes that it is the first and only one with its keys: a context without mutual
   * authentication that another acceptor accepted can be replayed to it. Set a cache, or check `flags.mutual`.
   *
   * @default {a cache in memory, for this credential alone}
   */
  readonly replayCache?: ReplayCache | undefined;
}

/**
 * Accepts Kerberos contexts with the keys of a keytab.
 *
 * @example
 * ```ts
 * import { KerberosAcceptorCredential, KerberosKey, Keytab, parsePrincipal } from "@gssocks/gssocks/kerberos";
 *
 * const service = parsePrincipal("rcmd/proxy.example.com@EXAMPLE.COM");
 * const keys = new Keytab([{ principal: service, kvno: 1, key: KerberosKey.generate(18) }]);
 * const acceptor = new KerberosAcceptorCredential({ keys }).accept();
 * const refused = await acceptor.step(new Uint8Array([1, 2, 3])).catch((error) => error);
 * if (refused.major !== "DEFECTIVE_TOKEN") throw refused;
 * ```
 */
export class KerberosAcceptorCredential implements GssAcceptorCredential {
  /** Kerberos V5. */
  readonly mechanism: string = KERBEROS_OID;
  readonly #init: AcceptorInit;

  /**
   * Creates a credential from keys.
   *
   * @param options Keys and limits.
   * @throws {RangeError} When `clockskew` is negative or not finite, with which every ticket would be accepted, or none.
   */
  constructor(options: KerberosAcceptorOptions) {
    const { clockskew = 0 } = options;
    if (!Number.isFinite(clockskew) || clockskew < 0) {
      throw new RangeError(
        `Cannot accept contexts: clockskew is ${clockskew}, must be a number of milliseconds, 0 or more`,
      );
    }
    const own = new MemoryReplayCache(options.runtime === undefined ? {} : { runtime: options.runtime });
    this.#init = { ...options, replayCache: options.replayCache ?? { insert: (entry) => own.insert(entry) } };
  }

  /** See {@linkcode GssAcceptorCredential.accept}. */
  accept(options: AcceptOptions = {}): GssNegotiation {
    const channelBindings = options.channelBindings && ownBindings(options.channelBindings);
    return new KerberosAcceptor({ ...this.#init, channelBindings });
  }
}
