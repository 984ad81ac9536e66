/**
 * Errors of the system: of files, and of the environment.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { KerberosError, type KerberosErrorCode } from "../errors.ts";

/**
 * Returns our error for one of the system. A `shell/` folder throws errors whose message is the reason, in words for users, and whose
 * cause is the system's own error; that is the cause of ours.
 *
 * @param failed What could not be done: "Cannot read /etc/krb5.conf".
 */
export function systemFailure(code: KerberosErrorCode, failed: string, thrown: unknown): KerberosError {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  return new KerberosError(code, `${failed}: ${reasonText(thrown)}`, { cause });
}
