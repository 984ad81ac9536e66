/**
 * The end of a connection on which something was refused.
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";
import { SocksTimeoutError } from "../errors.ts";
import type { Connection } from "./connection.ts";

/** Longest wait for a client to close. */
const PATIENCE = 1_000;
/** Bytes that are still read from a client that was refused. */
const DRAINED = 262_144;

/**
 * The client may take its time to read a refusal, and must not lose it to a reset, which is what closing with bytes unread makes of the
 * end: its own end is waited for, a little. Never rejects; closing is left to the caller.
 *
 * @param tell What is to be told first, for which the client has as long.
 * @param signal Ends it early.
 */
export async function drain(
  connection: Connection,
  { tell, signal }: { readonly tell?: () => Promise<void>; readonly signal?: AbortSignal } = {},
): Promise<void> {
  using deadline = startDeadline({
    milliseconds: PATIENCE,
    signal,
    reason: () => new SocksTimeoutError("IDLE_TIMEOUT", "Client does not close"),
  });
  try {
    if (tell !== undefined) {
      await abortable(tell(), deadline.signal);
      deadline.restart();
    }
    await abortable(connection.closeWrite(), deadline.signal);
    for (let left = DRAINED; left > 0;) {
      const bytes = await abortable(connection.read(), deadline.signal);
      if (bytes === null) return;
      left -= bytes.length;
    }
  } catch {
    // Gone already, which is all that was waited for, or out of time.
  }
}
