/**
 * Kerberos failures as GSS-API status (RFC 2743 section 1.2.1, RFC 4121 section 4.1).
 *
 * @module
 */
import { GssError, type GssMajor } from "../../gss/status.ts";
import { ErrorCode, type KerberosErrorName } from "../registry/errors.ts";
import { ApError } from "../ap/error.ts";
import { KdcError, KerberosError } from "../errors.ts";
import { unexpectedMessage } from "./tokens/errors.ts";

const MAJORS: Partial<Record<KerberosErrorName, GssMajor>> = {
  KRB_AP_ERR_TKT_EXPIRED: "CREDENTIALS_EXPIRED",
  KRB_AP_ERR_REPEAT: "DUPLICATE_ELEMENT",
  KRB_AP_ERR_BAD_INTEGRITY: "BAD_SIG",
  KRB_AP_ERR_MODIFIED: "BAD_SIG",
};

/** Creates a failure with the name of a Kerberos error. */
export function kerberosFailure(
  name: KerberosErrorName,
  message: string,
  details: Readonly<Record<string, string | number>> = {},
  cause?: unknown,
): GssError {
  return new GssError(message, {
    major: MAJORS[name] ?? "FAILURE",
    code: name,
    minor: ErrorCode[name],
    details,
    cause,
  });
}

/** Returns an error of the Kerberos layer as the GSS layer reports it, and anything else unchanged. */
export function toGssError(error: unknown): unknown {
  if (error instanceof ApError) {
    // A defect of the token read here, while a peer that refuses with this code has read another one.
    if (error.code === "KRB_AP_ERR_MSG_TYPE") return unexpectedMessage(error.message);
    return kerberosFailure(error.code, error.message, error.details, error.cause);
  }
  if (error instanceof KdcError) {
    return new GssError(error.message, {
      major: "FAILURE",
      code: error.code,
      minor: error.errorCode,
      details: { clockOffsetMilliseconds: Math.round(error.clockOffset) },
      cause: error,
    });
  }
  if (!(error instanceof KerberosError)) return error;
  const majors: Partial<Record<KerberosError["code"], GssMajor>> = {
    BAD_MESSAGE: "DEFECTIVE_TOKEN",
    INTEGRITY: "BAD_SIG",
    NO_CREDENTIALS: "NO_CRED",
    TICKET_EXPIRED: "CREDENTIALS_EXPIRED",
  };
  return new GssError(error.message, { major: majors[error.code] ?? "FAILURE", code: error.code, cause: error });
}
