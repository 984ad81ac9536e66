/**
 * What the transports say of a connection that this side has closed.
 *
 * @module
 */
import { SocksConnectionError } from "../errors.ts";

/** This side has closed the connection, or that direction of it. */
export function closedError(what: "The connection" | "Writing"): SocksConnectionError {
  return new SocksConnectionError("CLOSED", `${what} was closed on this side`);
}

/** This side has closed the connection by one of its streams. */
export function streamClosedError(what: "cancelled" | "aborted", cause: unknown): SocksConnectionError {
  return new SocksConnectionError("CLOSED", `Connection is closed: its stream was ${what}`, { cause });
}
