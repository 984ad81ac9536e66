/**
 * Ends connections that are given up.
 *
 * @module
 */
import { abort, type Connection } from "./connection.ts";

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
