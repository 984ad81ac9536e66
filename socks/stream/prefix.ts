/**
 * Connections whose reads are replaced: bytes that were read before come first.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { abort, type Connection } from "./connection.ts";
import { withoutSpent, wrapConnection, WrappedConnection } from "./wrap_connection.ts";

/** Returns a connection that gives `prefix` at its first read. */
export function withPrefix(connection: Connection, prefix: Bytes): Connection {
  const bare = withoutSpent(connection);
  return prefix.length === 0 ? bare : new PrefixedConnection(bare, prefix);
}

class PrefixedConnection extends WrappedConnection {
  #pending: Bytes | undefined;

  constructor(connection: Connection, prefix: Bytes) {
    super(connection);
    this.#pending = prefix;
  }

  override get isSpent(): boolean {
    return this.#pending === undefined;
  }

  override read(into?: Bytes): Promise<Bytes | null> {
    const first = this.#pending;
    if (first === undefined) return this.below.read(into);
    this.#pending = undefined;
    return Promise.resolve(first);
  }

  override close(): void {
    this.#pending = undefined;
    super.close();
  }

  override abort(unfinished?: Uint8Array): void {
    this.#pending = undefined;
    super.abort(unfinished);
  }
}

/** Reads of {@linkcode withReads}. */
interface ReplacedReads {
  /** Replaces {@linkcode Connection.read}. */
  read(into?: Bytes): Promise<Bytes | null>;
}

/** Returns a connection with other reads; all other calls go to `connection`. */
export function withReads(connection: Connection, { read }: ReplacedReads): Connection {
  return wrapConnection(connection, { read });
}
