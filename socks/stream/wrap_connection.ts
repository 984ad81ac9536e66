/**
 * Wraps a connection: some calls are replaced, everything else is that of the connection.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Endpoint } from "../wire/address.ts";
import { abort, type Connection, probe } from "./connection.ts";

/** The calls that a wrapper makes itself. */
export type ReplacedCalls =
  & Pick<Connection, "read">
  & Partial<Pick<Connection, "write" | "closeWrite" | "close" | "abort" | "ref" | "unref">>;

/**
 * A connection around another one, to which all calls go. It is a class because a session has several of them: an object with a closure
 * for each call takes a kilobyte.
 */
export class WrappedConnection implements Connection {
  /** The connection below. */
  readonly below: Connection;

  constructor(below: Connection) {
    this.below = below;
  }

  /** Whether this does nothing any more that the connection below does not do. */
  get isSpent(): boolean {
    return false;
  }

  get local(): Endpoint | undefined {
    return this.below.local;
  }

  get remote(): Endpoint | undefined {
    return this.below.remote;
  }

  get relayedBy(): Endpoint | undefined {
    return this.below.relayedBy;
  }

  get written(): number | undefined {
    return this.below.written;
  }

  read(into?: Bytes): Promise<Bytes | null> {
    return this.below.read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.below.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.below.closeWrite();
  }

  close(): void {
    this.below.close();
  }

  abort(unfinished?: Uint8Array): void {
    abort(this.below, unfinished);
  }

  probe(): Promise<void> {
    return probe(this.below);
  }

  ref(): void {
    this.below.ref?.();
  }

  unref(): void {
    this.below.unref?.();
  }

  setNoDelay(noDelay: boolean): void {
    this.below.setNoDelay?.(noDelay);
  }

  setKeepAlive(keepAlive: boolean): void {
    this.below.setKeepAlive?.(keepAlive);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

/** Returns a connection with the calls given; all other calls, and what is known of the connection, come from `connection`. */
export function wrapConnection(connection: Connection, calls: ReplacedCalls): Connection {
  return Object.assign(new WrappedConnection(connection), calls);
}

/** Returns the connection without the wrappers that do nothing any more. */
export function withoutSpent(connection: Connection): Connection {
  let bare = connection;
  while (bare instanceof WrappedConnection && bare.isSpent) bare = bare.below;
  return bare;
}
