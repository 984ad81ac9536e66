/**
 * Connections whose reads are replaced: bytes that were read before come first.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { abort, type Connection } from "./connection.ts";
import { wrapConnection } from "./wrap_connection.ts";

/** Returns a connection that gives `prefix` at its first read. */
export function withPrefix(connection: Connection, prefix: Bytes): Connection {
  if (prefix.length === 0) return connection;
  let pending: Bytes | undefined = prefix;
  const take = () => {
    const first = pending;
    pending = undefined;
    return first;
  };
  return withReads(connection, {
    read(into?: Bytes): Promise<Bytes | null> {
      const first = take();
      return first === undefined ? connection.read(into) : Promise.resolve(first);
    },
    forget: take,
  });
}

/** Reads of {@linkcode withReads}. */
interface ReplacedReads {
  /** Replaces {@linkcode Connection.read}. */
  read(into?: Bytes): Promise<Bytes | null>;
  /** Called when the connection is closed: held bytes can be released. */
  forget?(): void;
}

/** Returns a connection with other reads; all other calls go to `connection`. */
export function withReads(connection: Connection, { read, forget = () => {} }: ReplacedReads): Connection {
  return wrapConnection(connection, {
    read,
    close(): void {
      forget();
      connection.close();
    },
    abort(unfinished?: Uint8Array): void {
      forget();
      abort(connection, unfinished);
    },
  });
}
