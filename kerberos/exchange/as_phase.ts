/**
 * The phases of an AS exchange: what the next request is made of. Each phase has what is known in it and nothing else.
 *
 * @module
 */
import type { Principal } from "../principal.ts";
import type { PaData } from "../messages/basic.ts";
import type { LongTermKeys } from "./long_term_keys.ts";
import type { PreauthRound } from "./preauth/mechanism.ts";

/** What every phase knows about the realm that is asked. */
interface InRealm {
  /** The client, in this realm. */
  readonly client: Principal;
  /** The client's keys, for this realm. */
  readonly keys: LongTermKeys;
  /** Realms asked so far, in order; this one is the last. */
  readonly realms: readonly string[];
  /** How far this KDC's clock is ahead, in milliseconds; 0 before it has said so. */
  readonly offset: number;
}

/** The KDC has not asked for pre-authentication. */
export interface Asking extends InRealm {
  readonly phase: "asking";
}

/** The client pre-authenticates. */
export interface Preauthenticating extends InRealm {
  /** `clock corrected` once the KDC has refused the client's clock: that is put right once. */
  readonly phase: "preauthenticating" | "clock corrected";
  /** The round of the mechanism in use. */
  readonly round: PreauthRound;
  /** Cookies of the KDC's last error, which the next request returns (RFC 6113 section 5.2). */
  readonly cookies: readonly PaData[];
}

/** Where an AS exchange is. It is done with a reply; a referral begins again, in another realm. */
export type AsPhase = Asking | Preauthenticating;
