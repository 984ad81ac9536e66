/**
 * The interface of listeners.
 *
 * @module
 */
import type { Endpoint } from "../wire/address.ts";
import type { Connection } from "./connection.ts";

/** Accepts connections. */
export interface ConnectionListener {
  /** Address of the listener. */
  readonly addr: Endpoint;
  /** Returns the next connection; `undefined` after {@linkcode close}. After an error the next call may succeed. */
  accept(): Promise<Connection | undefined>;
  /** Stops listening: pending and later calls of {@linkcode accept} return `undefined`. May be called again. */
  close(): void;
  /** Lets the listener keep the process running, as it does from the start. */
  ref?(): void;
  /** Lets the process exit although it listens. */
  unref?(): void;
}
