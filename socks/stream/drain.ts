/**
 * Closes a connection so that the client can read the last bytes.
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";
import { SocksTimeoutError } from "../errors.ts";
import type { Connection } from "./connection.ts";

/** Longest wait for the client to close, in milliseconds. */
const PATIENCE = 1_000;
/** Most bytes that are read and discarded. */
const DRAINED = 262_144;

/**
 * Half-closes and waits up to a second for the client's end. Closing with unread bytes would reset the connection, and a reset destroys a
 * refusal that the client has not read yet. Never rejects; the caller closes the connection.
 *
 * @param tell Sends something first; the client has as much time for it.
 * @param signal Ends the wait.
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
    // The client is gone, or its time is over.
  }
}
