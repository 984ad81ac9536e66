/**
 * What a check sends and receives over, protected or not.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Endpoint } from "../socks/wire/address.ts";

/** A stream to a peer. Each call that waits has a limit of time, and fails the check with what came instead. */
export interface Channel {
  /** Address of this end. */
  readonly local: Endpoint | undefined;
  /** Sends messages in one write; where messages are protected, each is one token. Whether the peer takes them, its answer shows. */
  send(...messages: readonly Uint8Array[]): Promise<void>;
  /** Returns exactly `length` bytes. */
  take(length: number, what: string): Promise<Bytes>;
  /** Sends the end. */
  finish(): Promise<void>;
  /** Waits for the peer's end, and returns the bytes before it. */
  ended(what: string): Promise<Bytes>;
  /** Returns the bytes that come until the end, or until nothing has come for the time of silence. */
  drain(): Promise<Bytes>;
  /** Ends both directions at once. */
  close(): Promise<void>;
}
