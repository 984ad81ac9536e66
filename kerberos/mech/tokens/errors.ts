/**
 * Errors for tokens that cannot be read or are of another kind than wanted.
 *
 * @module
 */
import { GssError } from "../../../gss/status.ts";
import { ErrorCode } from "../../registry/errors.ts";

/**
 * The error for a token of another kind than expected; its error token says KRB_AP_ERR_MSG_TYPE (RFC 4121 section 4.1). The RFC
 * continues the negotiation (`GSS_S_CONTINUE_NEEDED`); here it ends, as after every other error.
 */
export function unexpectedMessage(message: string): GssError {
  const code = "KRB_AP_ERR_MSG_TYPE";
  return new GssError(message, { major: "DEFECTIVE_TOKEN", code, minor: ErrorCode[code] });
}

/** The error for bytes that are not a token. */
export function defective(message: string, cause?: unknown): GssError {
  return new GssError(message, { major: "DEFECTIVE_TOKEN", code: "DEFECTIVE_TOKEN", cause });
}

/** The one error for every per-message token that is well-formed but not genuine. */
export function notGenuine(cause?: unknown): GssError {
  return new GssError("Cannot use token: it is not genuine", { major: "BAD_SIG", code: "BAD_SIG", cause });
}
