/**
 * What the end of a client's connection means while the server works for that client.
 *
 * @module
 */
import { SocksConnectionError, SocksError } from "../errors.ts";
import type { PeerEnd } from "./end_watcher.ts";

/**
 * Time in milliseconds for which a client is served after it has ended its direction, if nothing else shows whether it is still there. It
 * may have sent everything and still read (`nc -N`), which looks like a client that has left. If the transport can be probed, this
 * is the time between two probes.
 */
export const END_GRACE = 500;

/**
 * Returns why a client that has ended is not served any more; `undefined` if it still is.
 *
 * A failure is always a reason. An end is none if the client has sent bytes for the target: it may still read the answer. Without such
 * bytes an end means that the client has left, since RFC 1928 has no half-close.
 *
 * @param doing What the server was doing, for the message.
 * @param mayEnd Whether the client may end its direction if it has sent bytes for the target.
 */
export function clientGoneError(
  { failure, hasUnread }: PeerEnd,
  doing: string,
  mayEnd: boolean,
): SocksError | undefined {
  if (failure === undefined && hasUnread && mayEnd) return undefined;
  // A protocol error says more than that the connection is lost.
  if (failure instanceof SocksError && !(failure instanceof SocksConnectionError)) return failure;
  const reason = failure instanceof Error ? `: ${failure.message}` : "";
  return new SocksConnectionError("LOST", `Client left while ${doing}${reason}`, { cause: failure });
}
