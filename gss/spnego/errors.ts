/**
 * Errors of a SPNEGO negotiation.
 *
 * @module
 */
import { Asn1Error } from "../../asn1/codec.ts";
import type { SpnegoErrorCode } from "../error_codes.ts";
import { GssError } from "../status.ts";

/** Creates an error of the negotiation. */
export function spnegoError(
  problem: string,
  major: "BAD_MECH" | "DEFECTIVE_TOKEN" | "FAILURE",
  code: SpnegoErrorCode,
  cause?: unknown,
): GssError {
  return new GssError(`Cannot negotiate: ${problem}`, { major, code, cause });
}

/** Creates the error of a step after the last one. */
export function negotiationIsOver(): GssError {
  return new GssError("Cannot step context: it is over", { major: "NO_CONTEXT", code: "NO_CONTEXT" });
}

/** Returns an `Asn1Error` as a `GssError`, and any other value unchanged. */
export function asGssError(error: unknown): unknown {
  if (!(error instanceof Asn1Error)) return error;
  const message = `Cannot read SPNEGO token: ${error.message}`;
  return new GssError(message, { major: "DEFECTIVE_TOKEN", code: "DEFECTIVE_TOKEN", cause: error });
}
