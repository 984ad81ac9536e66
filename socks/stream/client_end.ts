/**
 * What the end of a client's connection means while the server works for it.
 *
 * @module
 */
import { SocksConnectionError, SocksError } from "../errors.ts";
import type { PeerEnd } from "./end_watcher.ts";

/**
 * Time in milliseconds for which a client is still served that has ended what it sends, where nothing else tells whether it is there: it may
 * be one that has nothing to add, and reads (`nc -N`), which looks no different from one that has left. Where a transport tells, this is the
 * time between two looks.
 */
export const END_GRACE = 500;

/**
 * Why a client that has come to its end is not served any further.
 *
 * A failure always is a reason. An end of what it sends is none where it has sent something that is to be carried: whoever has said all that
 * he has to say may still want to read the answer. RFC 1928 knows of no half-close; without anything to carry, an end is how a client leaves.
 *
 * @param doing What was under way, for the message.
 * @param mayEnd Whether it may end what it sends when there is something to carry.
 * @returns `undefined` where it is still to be served.
 */
export function clientGoneError(
  { failure, early }: PeerEnd,
  doing: string,
  mayEnd: boolean,
): SocksError | undefined {
  if (failure === undefined && early && mayEnd) return undefined;
  // What is wrong with what it says is worth more than that it is over.
  if (failure instanceof SocksError && !(failure instanceof SocksConnectionError)) return failure;
  const reason = failure instanceof Error ? `: ${failure.message}` : "";
  return new SocksConnectionError("LOST", `Client went while ${doing}${reason}`, { cause: failure });
}
