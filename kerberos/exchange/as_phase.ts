/**
 * The phases of an AS exchange. Each has the fields that are known in it, and no others.
 *
 * @module
 */
import type { Principal } from "../principal.ts";
import type { PaData } from "../messages/basic.ts";
import type { LongTermKeys } from "./long_term_keys.ts";
import type { PreauthRound } from "./preauth/mechanism.ts";

/** Fields of every phase. None of them comes from another realm's KDC. */
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
  /** `clock corrected` after the KDC has refused the client's clock, which is corrected only once. */
  readonly phase: "preauthenticating" | "clock corrected";
  /** The round of the mechanism in use. */
  readonly round: PreauthRound;
  /** Cookies of the KDC's last error, which the next request returns (RFC 6113 section 5.2). */
  readonly cookies: readonly PaData[];
}

/** Phase of an AS exchange. A reply ends the exchange; a referral starts it again in another realm. */
export type AsPhase = Asking | Preauthenticating;
