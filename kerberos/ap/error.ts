/**
 * The error of the AP exchange. The GSS-API mechanism turns it into a `GssError`, a KDC into a KRB-ERROR.
 *
 * @module
 */
import type { KerberosErrorName } from "../registry/errors.ts";

/** An AP-REQ or AP-REP is refused (RFC 4120 sections 3.2.3 and 3.2.5). */
export class ApError extends Error {
  /** Name of the class. */
  override readonly name = "ApError";
  /** Name of the Kerberos error. */
  readonly code: KerberosErrorName;
  /** What was found, for logs. */
  readonly details: Readonly<Record<string, string | number>>;

  constructor(code: KerberosErrorName, message: string, options: ApErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Options of an {@linkcode ApError}. */
export interface ApErrorOptions extends ErrorOptions {
  /** What was found, for logs. @default {{}} */
  readonly details?: Readonly<Record<string, string | number>>;
}
