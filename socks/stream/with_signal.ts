/**
 * Ties a connection to a signal.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { closedError } from "./closed_error.ts";
import type { Connection } from "./connection.ts";
import { UserConnection } from "./user_connection.ts";
import { wrapConnection } from "./wrap_connection.ts";

/**
 * Returns the connection, cut when the signal is aborted: pending and later calls fail with the signal's reason. The signal holds no
 * reference to a connection that has ended.
 */
export function withSignal(connection: Connection, signal: AbortSignal | undefined): Connection {
  if (signal === undefined) return connection;
  const user = new UserConnection(connection, signal);
  return wrapConnection(connection, {
    // Ignores the caller's memory: it may be too small, and the rest would have to be kept.
    read: (): Promise<Bytes | null> => user.next(),
    write: async (bytes) => void await user.write(bytes),
    closeWrite: () => user.closeWrite(),
    close: () => user.close(),
    abort(unfinished?: Uint8Array): void {
      user.abort(closedError("The connection"), unfinished);
    },
    ref: () => user.ref(),
    unref: () => user.unref(),
  });
}
