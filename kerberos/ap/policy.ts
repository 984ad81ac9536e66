/**
 * The options of verifying an AP-REQ, as data. The checks are the same for every use of the AP exchange; a use says with
 * which keys, key usages and limits they run, and which checks it makes elsewhere.
 *
 * @module
 */
import type { KerberosKey } from "../crypto/key.ts";
import type { ApReq, Authenticator, EncTicketPart } from "../messages/ap.ts";
import type { ApKeys, ServiceKey } from "./keys.ts";
import type { ReplayCache } from "./replay/cache.ts";
import type { Capaths } from "./transited.ts";

/** Options of verifying an AP-REQ. */
export interface ApPolicy {
  /** Keys that tickets may be sealed with. */
  readonly keys: ApKeys;
  /** Key usage of the authenticator (RFC 4120 section 7.5.1): 11 in an application's AP-REQ, 7 in a TGS-REQ. */
  readonly authenticatorUsage: number;
  /** Present time, in milliseconds since the epoch; all checks use the same. */
  readonly now: number;
  /** How far the client's clock may differ, in milliseconds. */
  readonly skew: number;
  /** Enctypes permitted for tickets, session keys and subkeys. @default {every supported one} */
  readonly enctypes?: readonly number[] | undefined;
  /** First components of the services that accept. @default {every one with a key} */
  readonly services?: readonly string[] | undefined;
  /** Authenticators seen before; `undefined` for a use that recognizes replays by another means. */
  readonly replayCache: ReplayCache | undefined;
  /** How transited realms are judged; `undefined` for a KDC, which judges them when it issues a ticket. */
  readonly transited: { readonly capaths?: Capaths | undefined } | undefined;
  /**
   * How authorization data are treated: "obeyed" refuses what is not understood (RFC 4120 section 5.2.6); "copied" is for a
   * KDC, which copies it into the next ticket (section 3.3.3).
   */
  readonly authorizationData: "obeyed" | "copied";
  /** Checks of this use only, after the others. @default {none} */
  readonly ticketChecks?: readonly TicketCheck[] | undefined;
}

/** An AP-REQ whose ticket is open. */
export interface OpenTicket {
  /** The AP-REQ. */
  readonly request: ApReq;
  /** The sealed part of the ticket. */
  readonly part: EncTicketPart;
  /** The session key in it. */
  readonly sessionKey: KerberosKey;
  /** The key that opened the ticket: its principal is the service, whatever the ticket says in clear. */
  readonly serviceKey: ServiceKey;
}

/** An AP-REQ whose ticket and authenticator are open. */
export interface OpenApReq extends OpenTicket {
  /** The authenticator. */
  readonly authenticator: Authenticator;
}

/** An AP-REQ that passed all checks. */
export interface VerifiedApReq extends OpenApReq {
  /** The client's subkey, if it sent one. */
  readonly subkey: KerberosKey | undefined;
}

/**
 * A check of an open ticket.
 *
 * @throws {ApError} When the ticket is refused.
 */
export type TicketCheck = (ticket: OpenTicket, policy: ApPolicy) => void;

/**
 * A check of an open authenticator.
 *
 * @throws {ApError} When the authenticator is refused.
 */
export type AuthenticatorCheck = (opened: OpenApReq, policy: ApPolicy) => void | Promise<void>;
