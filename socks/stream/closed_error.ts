/**
 * Errors of calls on a connection that this side has closed.
 *
 * @module
 */
import { SocksConnectionError } from "../errors.ts";

/** Creates the error of a call after `close()`, or of a write after `closeWrite()`. */
export function closedError(what: "The connection" | "Writing"): SocksConnectionError {
  return new SocksConnectionError("CLOSED", `${what} was closed on this side`);
}

/** Creates the error of a connection that was closed because one of its streams was cancelled or aborted. */
export function streamClosedError(what: "cancelled" | "aborted", cause: unknown): SocksConnectionError {
  return new SocksConnectionError("CLOSED", `Connection is closed: its stream was ${what}`, { cause });
}
