/**
 * A connection that a signal ends, for whoever goes on working with the inner contract.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { closedError } from "./closed_error.ts";
import { type Connection, probe } from "./connection.ts";
import { UserConnection } from "./user_connection.ts";

/**
 * The connection, ended by the signal: what is under way then, and what is called later, fails with the signal's reason. The signal
 * keeps nothing of a connection that has ended, however that came.
 */
export function withSignal(connection: Connection, signal: AbortSignal | undefined): Connection {
  if (signal === undefined) return connection;
  const user = new UserConnection(connection, signal);
  return {
    get local() {
      return connection.local;
    },
    get remote() {
      return connection.remote;
    },
    get relayedBy() {
      return connection.relayedBy;
    },
    get written() {
      return connection.written;
    },
    // What comes lies in memory of its own: that of the caller may be small, and the rest would have to wait somewhere.
    read: (): Promise<Bytes | null> => user.next(),
    write: async (bytes) => void await user.write(bytes),
    closeWrite: () => user.closeWrite(),
    close: () => user.close(),
    abort(unfinished?: Uint8Array): void {
      user.abort(closedError("The connection"), unfinished);
    },
    probe: () => probe(connection),
    ref: () => user.ref(),
    unref: () => user.unref(),
    [Symbol.asyncDispose](): Promise<void> {
      user.close();
      return Promise.resolve();
    },
  };
}
