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

/**
 * What the system says of one datagram, or of one target: the socket is as good as before. Everything else it says of the socket.
 * `UNKNOWN` is how Deno's `node:dgram` calls many of them.
 */
const PASSING: ReadonlySet<unknown> = new Set([
  "EACCES",
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
  "EAGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "EINVAL",
  "EMSGSIZE",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOBUFS",
  "ENOMEM",
  "ENOPROTOOPT",
  "EOPNOTSUPP",
  "EPERM",
  "EPROTO",
  "ETIMEDOUT",
  "UNKNOWN",
  "ERR_SOCKET_BAD_PORT",
]);

/** Whether an error of a socket is about a datagram, or a target, and no end of the socket. */
export function passes(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  return PASSING.has((error as { code?: unknown } | undefined)?.code);
}
