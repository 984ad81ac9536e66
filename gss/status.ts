/**
 * GSS-API status: major codes with their RFC 2744 values, supplementary information, and {@linkcode GssError}.
 *
 * @module
 */
import { asBytes, type Bytes, bytesOf } from "../base/bytes.ts";
import type { MechanismErrorCode, SpnegoErrorCode } from "./error_codes.ts";

/** Routine errors of a call, by the RFC 2744 name without `GSS_S_`. */
export const MAJOR_STATUS = {
  BAD_MECH: 0x010000,
  BAD_NAME: 0x020000,
  BAD_NAMETYPE: 0x030000,
  BAD_BINDINGS: 0x040000,
  BAD_STATUS: 0x050000,
  BAD_SIG: 0x060000,
  NO_CRED: 0x070000,
  NO_CONTEXT: 0x080000,
  DEFECTIVE_TOKEN: 0x090000,
  DEFECTIVE_CREDENTIAL: 0x0a0000,
  CREDENTIALS_EXPIRED: 0x0b0000,
  CONTEXT_EXPIRED: 0x0c0000,
  FAILURE: 0x0d0000,
  BAD_QOP: 0x0e0000,
  UNAUTHORIZED: 0x0f0000,
  UNAVAILABLE: 0x100000,
  DUPLICATE_ELEMENT: 0x110000,
  NAME_NOT_MN: 0x120000,
} as const;

/** Name of a routine error (RFC 2744 section 3.9.1, without `GSS_S_`). */
export type GssMajor = keyof typeof MAJOR_STATUS;

/**
 * What a per-message call adds to success (RFC 2743 section 1.2.3). The token is genuine, but it was seen before (`duplicate`),
 * is too old to decide (`old`), came after a later one (`unsequenced`), or came before one that is missing (`gap`).
 */
export type SupplementaryStatus = "complete" | "duplicate" | "old" | "unsequenced" | "gap";

/**
 * Code of a `GssError`: what failed, more precisely than the major status says. Where a mechanism has no code of its own for a
 * failure, the code is the name of the major status.
 */
export type GssErrorCode = GssMajor | SpnegoErrorCode | MechanismErrorCode;

/** Options of {@linkcode GssError}. */
export interface GssErrorInit {
  /** Routine error. */
  readonly major: GssMajor;
  /** Stable code, for example the name of a Kerberos error such as `KRB_AP_ERR_SKEW`. */
  readonly code: GssErrorCode;
  /** The mechanism's number of the error (RFC 2743 minor status). @default {0} */
  readonly minor?: number | undefined;
  /** Token that must still be sent to the peer, if the mechanism has one (RFC 7546 sections 3.2 and 3.5). */
  readonly token?: Bytes | undefined;
  /** Facts for the log: what was expected and what was found. Never a key, a password or a token. */
  readonly details?: Readonly<Record<string, string | number>> | undefined;
  /** Whether the mechanism has learnt from the failure, so that another context may succeed. @default {false} */
  readonly again?: boolean | undefined;
  /** The error that caused this one. */
  readonly cause?: unknown;
}

/**
 * Failure of a GSS-API call.
 *
 * @example
 * ```ts
 * import { GssError } from "@gssocks/gssocks";
 *
 * export function clocksDiffer(error: unknown): boolean {
 *   return error instanceof GssError && error.code === "KRB_AP_ERR_SKEW";
 * }
 * ```
 */
export class GssError extends Error {
  /** Name of the class. */
  override readonly name = "GssError";
  /** Routine error. */
  readonly major: GssMajor;
  /** RFC 2744 value of {@linkcode major}. */
  readonly majorStatus: number;
  /** Stable code. */
  readonly code: GssErrorCode;
  /** The mechanism's number of the error, 0 if it has none. */
  readonly minor: number;
  /** Facts for the log. */
  readonly details: Readonly<Record<string, string | number>>;
  /** Whether another attempt with the same credentials may succeed, once: the mechanism has learnt from this failure. */
  readonly again: boolean;
  readonly #token: Bytes | undefined;

  /**
   * Creates an error.
   *
   * @param message What failed, for people.
   * @param init What failed, for programs.
   */
  constructor(message: string, init: GssErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.major = init.major;
    this.majorStatus = MAJOR_STATUS[init.major];
    this.code = init.code;
    this.minor = init.minor ?? 0;
    this.details = Object.freeze({ ...init.details });
    this.again = init.again ?? false;
    this.#token = init.token === undefined ? undefined : asBytes(bytesOf(init.token));
  }

  /** Token that must still be sent to the peer; not shown by `Deno.inspect`. */
  get token(): Bytes | undefined {
    return this.#token;
  }
}

/** Returns the same error with a token for the peer. */
export function withToken(error: GssError, token: Bytes): GssError {
  const { message, major, code, minor, details, cause, again } = error;
  return new GssError(message, { major, code, minor, details, cause, again, token });
}

/** Returns the same error with {@linkcode GssError.again} set. */
export function worthAnother(error: GssError): GssError {
  const { message, major, code, minor, details, cause, token } = error;
  return new GssError(message, { major, code, minor, details, cause, token, again: true });
}
