/**
 * Datagram sockets.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";

/** A UDP socket. */
export interface DatagramSocket {
  /** Address that it is bound to. */
  readonly local: Endpoint;
  /**
   * Sends a datagram to an address; names are not resolved.
   *
   * @throws {RangeError} When the datagram is too large.
   */
  send(bytes: Uint8Array, to: Endpoint): Promise<void>;
  /** Releases the port. May be called again. */
  close(): void;
  /** Lets the socket keep the process running, as it does from the start. */
  ref?(): void;
  /** Lets the process exit although the socket is open. */
  unref?(): void;
}

/** Options of {@linkcode BindDatagrams}. */
export interface BindDatagramsOptions extends Endpoint {
  /** Called for each datagram; the callee owns the bytes. They may hold memory around them, so keep a copy of what is kept for long. */
  readonly onDatagram: (bytes: Bytes, from: Endpoint) => void;
  /** Called when the socket has failed and receives no more; not after `close()`. */
  readonly onEnd?: ((reason: unknown) => void) | undefined;
}

/** Opens UDP sockets. */
export type BindDatagrams = (options: BindDatagramsOptions) => Promise<DatagramSocket>;

/** After this many consecutive errors the socket is given up. */
export const MAX_ERRORS = 100;

/** The error for a datagram that was not sent. */
export function sendError(bytes: Uint8Array, to: Endpoint, cause: unknown): unknown {
  if ((cause as { code?: unknown }).code !== "EMSGSIZE") return cause;
  return new RangeError(`Cannot send datagram of ${bytes.length} bytes to ${formatEndpoint(to)}: it is too large`, {
    cause,
  });
}

/** Calls the callback with a datagram. An exception of the callback drops the datagram and leaves the socket open. */
export function deliver(onDatagram: BindDatagramsOptions["onDatagram"], bytes: Bytes, from: Endpoint): void {
  try {
    onDatagram(bytes, from);
  } catch {
    // The datagram is dropped.
  }
}
