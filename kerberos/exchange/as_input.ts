/**
 * What goes into an authentication service exchange, what comes out, and what it has learnt in between.
 *
 * @module
 */
import type { Runtime } from "../../base/runtime.ts";
import { NameType } from "../registry/name_types.ts";
import type { Principal } from "../principal.ts";
import type { Credential } from "../credential.ts";
import type { ClientKey } from "./client_key.ts";

/** What an initial ticket is asked for with. Times are in milliseconds. */
export interface AsExchangeInput {
  /** Who asks. */
  readonly client: Principal;
  /** Its secret. */
  readonly key: ClientKey;
  /** Service. @default {the ticket-granting service of the client's realm} */
  readonly service?: Principal;
  /** Enctypes in order of preference. */
  readonly enctypes: readonly number[];
  /** Lifetime asked for. */
  readonly lifetime: number;
  /** Renewable lifetime asked for, 0 for none. */
  readonly renewLifetime: number;
  /** Whether the ticket is to be forwardable. */
  readonly forwardable: boolean;
  /** Whether the ticket is to be proxiable. */
  readonly proxiable: boolean;
  /** Whether the KDC may answer with another name for the client. */
  readonly canonicalize: boolean;
  /** Whether to reckon with the KDC's clock where it differs. */
  readonly timesync: boolean;
  /** How far clocks may be apart, in milliseconds. @default {300000} */
  readonly clockskew?: number;
  /** Clock and randomness. */
  readonly runtime: Runtime;
}

/** Whether the KDC may answer for another name or send on to another realm: enterprise names make no sense without. */
export function canonicalizes({ canonicalize, client }: Pick<AsExchangeInput, "canonicalize" | "client">): boolean {
  return canonicalize || client.nameType === NameType.Enterprise;
}

/** Ticket got, and how far the KDC's clock is ahead, in milliseconds. */
export interface AsExchangeResult {
  /** The ticket. */
  readonly credential: Credential;
  /** How far the KDC's clock is ahead, in milliseconds. */
  readonly kdcOffset: number;
}
