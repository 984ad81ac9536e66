/**
 * The end of a session when the client's ticket expires.
 *
 * @module
 */
import { type Deadline, pause } from "../../base/deadline.ts";
import { SocksAuthError } from "../errors.ts";

/** Longest time between two looks at the wall clock, in milliseconds. */
const CLOCK_CHECK = 60_000;

/**
 * Ends a session when the client's ticket expires. RFC 4120 section 3.2.3 leaves it to the server whether a session outlives the ticket
 * that it began with. A ticket expires by the wall clock, which may be set meanwhile.
 *
 * @param expiresAt When the ticket expires, in milliseconds since the epoch.
 */
export function endAtExpiry(
  expiresAt: number,
  { clock, now }: { readonly clock: Deadline; readonly now: () => number },
): Disposable {
  const over = new AbortController();
  void (async () => {
    for (let left = expiresAt - now(); left > 0 && !over.signal.aborted; left = expiresAt - now()) {
      await pause(Math.min(left, CLOCK_CHECK), over.signal);
    }
    if (!over.signal.aborted) clock.abort(new SocksAuthError("TICKET_EXPIRED", "Client's ticket has expired"));
  })();
  return { [Symbol.dispose]: () => over.abort() };
}
