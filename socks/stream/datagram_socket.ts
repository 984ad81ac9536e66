/**
 * Datagram sockets.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Endpoint } from "../wire/address.ts";

/** A UDP socket. */
export interface DatagramSocket {
  /** Where it is bound. */
  readonly local: Endpoint;
  /**
   * Sends a datagram to an address; names are not looked up.
   *
   * @throws {RangeError} When it is too large.
   */
  send(bytes: Uint8Array, to: Endpoint): Promise<void>;
  /** Releases the port. May be called again. */
  close(): void;
  /** Has it keep the process going, as it does from the start. */
  ref?(): void;
  /** Lets the process end although it is open. */
  unref?(): void;
}

/** What {@linkcode BindDatagrams} is told. */
export interface BindDatagramsOptions extends Endpoint {
  /** Told of each datagram that comes; its bytes are the callee's. */
  readonly onDatagram: (bytes: Bytes, from: Endpoint) => void;
  /** Told that no more will come, when nobody has closed the socket. */
  readonly onEnd?: ((reason: unknown) => void) | undefined;
}

/** Makes UDP sockets. */
export type BindDatagrams = (options: BindDatagramsOptions) => Promise<DatagramSocket>;
