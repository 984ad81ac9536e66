/**
 * Errors of a datagram socket.
 *
 * @module
 */

/**
 * Codes of errors that concern one datagram or one target: the socket works as before. All other errors concern the socket.
 * Deno's `node:dgram` reports many of these as `UNKNOWN`.
 */
const DATAGRAM_CODES: ReadonlySet<unknown> = new Set([
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

/** Whether an error of a socket concerns one datagram or one target only, so that the socket can still be used. */
export function isDatagramError(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  return DATAGRAM_CODES.has((error as { code?: unknown } | undefined)?.code);
}
