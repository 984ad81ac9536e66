/**
 * Errors for tokens that cannot be read or are of another kind than wanted.
 *
 * @module
 */
import { GssError } from "../../../gss/status.ts";
import { ErrorCode } from "../../registry/errors.ts";

/**
 * The error for a token of another kind than is wanted; the peer is told KRB_AP_ERR_MSG_TYPE (section 4.1). The RFC has the
 * context go on then (`GSS_S_CONTINUE_NEEDED`); here it ends, as with every other error.
 */
export function unexpectedMessage(message: string): GssError {
  const code = "KRB_AP_ERR_MSG_TYPE";
  return new GssError(message, { major: "DEFECTIVE_TOKEN", code, minor: ErrorCode[code] });
}

/** The error for bytes that are not a token. */
export function defective(message: string, cause?: unknown): GssError {
  return new GssError(message, { major: "DEFECTIVE_TOKEN", code: "DEFECTIVE_TOKEN", cause });
}
