/**
 * Connections whose reads are replaced: bytes that were read before come first.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { abort, type Connection, probe } from "./connection.ts";

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
    read,
    write: (bytes) => connection.write(bytes),
    closeWrite: () => connection.closeWrite(),
    close(): void {
      forget();
      connection.close();
    },
    abort(unfinished?: Uint8Array): void {
      forget();
      abort(connection, unfinished);
    },
    probe: () => probe(connection),
    ref: () => connection.ref?.(),
    unref: () => connection.unref?.(),
    [Symbol.asyncDispose](): Promise<void> {
      this.close();
      return Promise.resolve();
    },
  };
}
