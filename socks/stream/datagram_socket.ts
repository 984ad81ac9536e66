/**
 * Datagram sockets.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Endpoint } from "../wire/address.ts";

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
  /** Called for each datagram; the callee owns the bytes. */
  readonly onDatagram: (bytes: Bytes, from: Endpoint) => void;
  /** Called when the socket has failed and receives no more; not after `close()`. */
  readonly onEnd?: ((reason: unknown) => void) | undefined;
}

/** Opens UDP sockets. */
export type BindDatagrams = (options: BindDatagramsOptions) => Promise<DatagramSocket>;
