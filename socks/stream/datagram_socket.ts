/**
 * Datagram sockets.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import type { Bytes } from "../../base/bytes.ts";

/** A UDP socket. */
export interface DatagramSocket {
  /** Local address. */
  readonly local: Endpoint;
  /**
   * Sends a datagram to an address; names are not looked up.
   *
   * @throws {RangeError} When it is too large.
   */
  send(bytes: Uint8Array, to: Endpoint): Promise<void>;
  /** Releases the port. May be called again. */
  close(): void;
  /** Makes the socket keep the process alive. This is the default. */
  ref?(): void;
  /** Lets the process end while the socket is open. */
  unref?(): void;
}

/** Options of {@linkcode BindDatagrams}. */
export interface BindDatagramsOptions extends Endpoint {
  /** Called for each datagram; the callee owns the bytes. */
  readonly onDatagram: (bytes: Bytes, from: Endpoint) => void;
  /** Called when the socket has failed. It is not called after {@linkcode DatagramSocket.close}. */
  readonly onEnd?: ((reason: unknown) => void) | undefined;
}

/** Binds UDP sockets. */
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
export function isDatagramError(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  return PASSING.has((error as { code?: unknown } | undefined)?.code);
}

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
