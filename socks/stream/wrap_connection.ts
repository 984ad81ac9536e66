/**
 * Wraps a connection: some calls are replaced, everything else is that of the connection.
 *
 * @module
 */
import { abort, type Connection, probe } from "./connection.ts";

/** The calls that a wrapper makes itself. */
export type ReplacedCalls =
  & Pick<Connection, "read">
  & Partial<Pick<Connection, "write" | "closeWrite" | "close" | "abort" | "ref" | "unref">>;

/** Returns a connection with the calls given; all other calls, and what is known of the connection, come from `connection`. */
export function wrapConnection(connection: Connection, calls: ReplacedCalls): Connection {
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
    write: (bytes) => connection.write(bytes),
    closeWrite: () => connection.closeWrite(),
    close: () => connection.close(),
    abort: (unfinished) => abort(connection, unfinished),
    probe: () => probe(connection),
    ref: () => connection.ref?.(),
    unref: () => connection.unref?.(),
    setNoDelay: (noDelay) => connection.setNoDelay?.(noDelay),
    setKeepAlive: (keepAlive) => connection.setKeepAlive?.(keepAlive),
    ...calls,
    [Symbol.asyncDispose](): Promise<void> {
      this.close();
      return Promise.resolve();
    },
  };
}
