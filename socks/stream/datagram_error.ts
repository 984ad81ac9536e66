/**
 * Errors of a datagram socket.
 *
 * @module
 */

/**
 * What the system says of one datagram, or of one target: the socket is as good as before. Everything else it says of the socket.
 * `UNKNOWN` is how Deno's `node:dgram` calls many of them.
 */
export const PASSING: ReadonlySet<unknown> = new Set([
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
