/**
 * Input and result of the AS exchange.
 *
 * @module
 */
import type { Runtime } from "../../base/runtime.ts";
import { NameType } from "../registry/name_types.ts";
import type { Principal } from "../principal.ts";
import type { Credential } from "../credential.ts";
import type { ClientKey } from "./client_key.ts";

/** Input of `asExchange()`. Durations are in milliseconds. */
export interface AsExchangeInput {
  /** Client. */
  readonly client: Principal;
  /** Secret of the client. */
  readonly key: ClientKey;
  /** Service. @default {the ticket-granting service of the client's realm} */
  readonly service?: Principal | undefined;
  /** Enctypes in order of preference. */
  readonly enctypes: readonly number[];
  /** Lifetime to request. */
  readonly lifetime: number;
  /**
   * How long from now the ticket becomes valid; a postdated ticket must be validated then (RFC 4120 section 2.4). @default {0}
   */
  readonly startDelay?: number | undefined;
  /** Renewable lifetime to request; 0 for a ticket that is not renewable. */
  readonly renewLifetime: number;
  /** Whether to request a forwardable ticket. */
  readonly forwardable: boolean;
  /** Whether to request a proxiable ticket. */
  readonly proxiable: boolean;
  /** Whether the KDC may answer with another name for the client, or refer it to another realm (RFC 6806). */
  readonly canonicalize: boolean;
  /** Whether to compensate for the KDC's clock offset. */
  readonly timesync: boolean;
  /** Tolerated difference of the clocks. @default {300000} */
  readonly clockskew?: number;
  /** Clock and randomness. */
  readonly runtime: Runtime;
}

/** Whether to request canonicalization; an enterprise name always does (RFC 6806 section 5). */
export function canonicalizes({ canonicalize, client }: Pick<AsExchangeInput, "canonicalize" | "client">): boolean {
  return canonicalize || client.nameType === NameType.Enterprise;
}

/** Result of `asExchange()`. */
export interface AsExchangeResult {
  /** The ticket. */
  readonly credential: Credential;
  /** How far the KDC's clock is ahead, in milliseconds. */
  readonly kdcOffset: number;
}
