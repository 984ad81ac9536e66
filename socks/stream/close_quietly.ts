/**
 * Ends objects that are not used any more, whatever their `close()` throws.
 *
 * @module
 */
import { abort, type Connection } from "./connection.ts";

/** Closes an object and ignores errors: a caller's own connection or listener may throw. */
export function closeQuietly(closable: { close(): void } | undefined): void {
  try {
    closable?.close();
  } catch {
    // It is not used any more either way.
  }
}

/** Cuts a connection and ignores errors; see {@linkcode Connection.abort}. */
export function abortQuietly(connection: Connection, unfinished?: Uint8Array): void {
  closeQuietly({ close: () => abort(connection, unfinished) });
}
