/**
 * Listeners of byte streams.
 *
 * @module
 */
import type { Endpoint } from "../wire/address.ts";
import type { Connection } from "./connection.ts";

/** Accepts connections. */
export interface ConnectionListener {
  /** Address that it listens on. */
  readonly addr: Endpoint;
  /** The next connection; `undefined` after {@linkcode close}. Other failures are thrown and may pass. */
  accept(): Promise<Connection | undefined>;
  /** Ends a pending {@linkcode accept} and all later ones. May be called again. */
  close(): void;
  /** Lets it keep the process going, as it does from the beginning. */
  ref?(): void;
  /** Lets the process end although it listens. */
  unref?(): void;
}
