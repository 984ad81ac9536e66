/**
 * What the transports say of a connection that this side has closed.
 *
 * @module
 */
import { SocksConnectionError } from "../errors.ts";
import { abort, type Connection } from "./connection.ts";

/** This side has closed the connection, or that direction of it. */
export function closedError(what: "The connection" | "Writing"): SocksConnectionError {
  return new SocksConnectionError("CLOSED", `${what} was closed on this side`);
}

/** This side has closed the connection by one of its streams. */
export function streamClosedError(what: "cancelled" | "aborted", cause: unknown): SocksConnectionError {
  return new SocksConnectionError("CLOSED", `Connection is closed: its stream was ${what}`, { cause });
}

/** Closes what is given up. It may be of any make: what it says to that is of no use to anybody. */
export function closeQuietly(given: { close(): void } | undefined): void {
  try {
    given?.close();
  } catch {
    // Given up all the same.
  }
}

/** Cuts what is given up, as {@linkcode closeQuietly} closes it. */
export function abortQuietly(connection: Connection, unfinished?: Uint8Array): void {
  closeQuietly({ close: () => abort(connection, unfinished) });
}
