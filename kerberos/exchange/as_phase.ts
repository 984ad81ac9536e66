/**
 * What has been learnt.
 *
 * @module
 */
import type { PaData } from "../messages/basic.ts";
import type { Principal } from "../principal.ts";
import type { KeyParameters } from "./client_key.ts";
import type { ExchangeKeys } from "./exchange_keys.ts";

/** What one request after another has taught. */
export interface AsState {
  readonly client: Principal;
  /** Realms asked, in order. */
  readonly realms: readonly string[];
  readonly keys: ExchangeKeys;
  /** Enctypes that the client has keys for, which are the ones it asks for. */
  readonly enctypes: readonly number[];
  offset: number;
  padata: readonly PaData[];
  /** Of the key that this realm's KDC was shown a timestamp with; `undefined` before that. */
  parameters: KeyParameters | undefined;
  skewed: boolean;
}
