/**
 * Errors of the Kerberos layer. Each class has a stable `code` out of a closed union; none ever holds a key, a password, a
 * ticket or a token.
 *
 * @module
 */
import { printable } from "../base/printable.ts";
import { refusalAdvice } from "./refusal_advice.ts";
import { errorName, type KerberosErrorName } from "./registry/errors.ts";

/**
 * Codes of {@linkcode KerberosError}, a closed union.
 *
 * | Code | Meaning |
 * | --- | --- |
 * | `BAD_MESSAGE` | a message cannot be decoded |
 * | `BAD_FILE` | a keytab or a credential cache cannot be read or written |
 * | `BAD_CONFIG` | krb5.conf cannot be read, or lacks what is needed |
 * | `INTEGRITY` | a sealed part was not made with the key expected, or was changed |
 * | `UNSUPPORTED_ENCTYPE` | an encryption type that is not implemented, or not common to both sides |
 * | `BAD_KEY` | a key has the wrong length for its encryption type |
 * | `BAD_S2K_PARAMS` | the KDC asks for too many or too few PBKDF2 iterations |
 * | `PREAUTH_UNSUPPORTED` | the KDC offers no pre-authentication mechanism that the client can perform |
 * | `REPLY_MISMATCH` | a KDC's reply is not to the request |
 * | `REFERRAL_LOOP` | KDCs refer to realms without end |
 * | `KDC_UNREACHABLE` | no KDC of the realm answers |
 * | `NO_CREDENTIALS` | there is no password, key or ticket for what is asked |
 * | `TICKET_EXPIRED` | the ticket has expired and there is no secret to get another one |
 */
export type KerberosErrorCode =
  | "BAD_MESSAGE"
  | "BAD_FILE"
  | "BAD_CONFIG"
  | "INTEGRITY"
  | "UNSUPPORTED_ENCTYPE"
  | "BAD_KEY"
  | "BAD_S2K_PARAMS"
  | "PREAUTH_UNSUPPORTED"
  | "REPLY_MISMATCH"
  | "REFERRAL_LOOP"
  | "KDC_UNREACHABLE"
  | "NO_CREDENTIALS"
  | "TICKET_EXPIRED";

/**
 * Failure of the Kerberos layer.
 *
 * @example
 * ```ts
 * import { KerberosError, systemTickets } from "@gssocks/gssocks";
 *
 * export function hasConfiguration(): boolean {
 *   try {
 *     systemTickets();
 *     return true;
 *   } catch (error) {
 *     if (error instanceof KerberosError && error.code === "BAD_CONFIG") return false;
 *     throw error;
 *   }
 * }
 * ```
 */
export class KerberosError extends Error {
  /** Name of the class. */
  override readonly name: string = "KerberosError";
  /** Stable code. */
  readonly code: KerberosErrorCode;

  /**
   * Creates an error.
   *
   * @param code Stable code.
   * @param message What failed, for people.
   * @param options The cause.
   */
  constructor(code: KerberosErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Fields of a new {@linkcode KdcError}. */
export interface KdcErrorInit {
  /** Error code out of the KRB-ERROR. */
  readonly errorCode: number;
  /** The KDC's own text, if it sent one. */
  readonly text?: string | undefined;
  /** The client's name and realm in text form. */
  readonly client?: string | undefined;
  /** The service's name and realm in text form. */
  readonly server?: string | undefined;
  /** Names of the enctypes that were requested. */
  readonly enctypes?: readonly string[] | undefined;
  /** How far the KDC's clock is ahead of ours, in milliseconds. */
  readonly clockOffset: number;
}

/**
 * A KDC's KRB-ERROR (RFC 4120 section 5.9.1).
 *
 * @example
 * ```ts
 * import { KdcError } from "@gssocks/gssocks";
 *
 * export function isWrongPassword(error: unknown): boolean {
 *   return error instanceof KdcError && error.code === "KDC_ERR_PREAUTH_FAILED";
 * }
 * ```
 */
export class KdcError extends Error {
  /** Name of the class. */
  override readonly name = "KdcError";
  /** Name of the error; `KRB_ERR_GENERIC` for a code that `ErrorCode` does not have. */
  readonly code: KerberosErrorName;
  /** Number of the error. */
  readonly errorCode: number;
  /** The KDC's own text. */
  readonly text: string | undefined;
  /** How far the KDC's clock is ahead of ours, in milliseconds. */
  readonly clockOffset: number;

  /**
   * Creates an error from a KRB-ERROR.
   *
   * @param init Its fields.
   */
  constructor(init: KdcErrorInit) {
    const code = errorName(init.errorCode) ?? "KRB_ERR_GENERIC";
    const advice = refusalAdvice(code, init);
    const about = [init.client && `client ${init.client}`, init.server && `service ${init.server}`].filter(Boolean);
    super(
      `KDC refused: ${code} (${init.errorCode})${about.length > 0 ? ` for ${about.join(", ")}` : ""}` +
        (init.text ? `, "${peerText(init.text)}"` : "") + (advice === undefined ? "" : `: ${advice}`),
    );
    this.code = code;
    this.errorCode = init.errorCode;
    this.text = init.text;
    this.clockOffset = init.clockOffset;
  }
}

/** Returns a peer's text, cut to 200 characters, without characters that control a terminal. */
export function peerText(text: string): string {
  return printable(text.slice(0, 200));
}
