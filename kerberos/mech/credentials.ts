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
import type { ServiceTicket, TicketSource } from "../credentials/tickets.ts";
import { KdcError, KerberosError } from "../errors.ts";
import { principalOfGssName } from "../principal.ts";
import { type AcceptorInit, KerberosAcceptor } from "./acceptor.ts";
import { toGssError } from "./errors.ts";
import { KerberosInitiator } from "./initiator.ts";
import { MemoryReplayCache, type ReplayCache } from "../ap/replay/replay_cache.ts";
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

/** What {@linkcode KerberosInitiatorCredential} takes beside the tickets. */
export interface KerberosInitiatorOptions {
  /** Clock and randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

/** Starts Kerberos contexts with tickets of one client. */
export class KerberosInitiatorCredential implements GssInitiatorCredential {
  /** Kerberos V5. */
  readonly mechanism: string = KERBEROS_OID;
  readonly #tickets: TicketSource;
  readonly #runtime: Runtime;

  /**
   * Makes one.
   *
   * @param tickets Where tickets come from.
   * @param options Clock and randomness.
   */
  constructor(tickets: TicketSource, options: KerberosInitiatorOptions = {}) {
    this.#tickets = tickets;
    this.#runtime = options.runtime ?? systemRuntime;
  }

  /**
   * See {@linkcode GssInitiatorCredential.initiate}. Delegation is done only when the flag asks for it; where no ticket can be
   * had that may be handed over, the context comes without, and its flags say so (RFC 2743 section 2.2.1, deleg_state).
   */
  async initiate(target: GssName, options: InitiateOptions = {}): Promise<GssNegotiation> {
    const { signal } = options;
    const channelBindings = options.channelBindings && ownBindings(options.channelBindings);
    const flags = options.flags === undefined ? DEFAULT_FLAGS : { ...NO_FLAGS, ...options.flags };
    try {
      const ticket = await this.#tickets.serviceTicket(principalOfGssName(target), { signal });
      const forwarded = flags.delegation ? await this.#forwarded(signal) : undefined;
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

  async #forwarded(signal: AbortSignal | undefined): Promise<ServiceTicket | undefined> {
    try {
      return await this.#tickets.forwardedTicket({ signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof KerberosError || error instanceof KdcError) return undefined;
      throw error;
    }
  }
}

/** What {@linkcode KerberosAcceptorCredential} takes. */
export interface KerberosAcceptorOptions extends Omit<AcceptorInit, "replayCache" | "channelBindings"> {
  /**
   * Authenticators seen before; share one between acceptors of the same keys, and keep it when a server starts anew. Where it
   * says since when it knows all of them ({@linkcode ReplayCache.knowsSince}, as every cache in memory does), contexts
   * without mutual authentication are refused as long as they may be replays of older ones.
   *
   * Without one the credential is taken for the first and only one of its keys: a context without mutual authentication
   * that another one has accepted can be replayed to it. Give it a cache, or look at `flags.mutual`.
   *
   * @default {one in memory, for this credential alone}
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
   * Makes one.
   *
   * @param options Keys and limits.
   * @throws {RangeError} When `clockskew` is no duration: every ticket would be good, or none.
   */
  constructor(options: KerberosAcceptorOptions) {
    const { clockskew = 0 } = options;
    if (!Number.isFinite(clockskew) || clockskew < 0) {
      throw new RangeError(`Cannot accept contexts: clockskew is ${clockskew}, milliseconds from 0 on are wanted`);
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
