/**
 * Principals of the embedded KDC.
 *
 * @module
 */
import type { KerberosKey } from "../crypto/key.ts";
import type { Principal } from "../principal.ts";
import type { PacOptions } from "./pac_options.ts";

/** Options of `KdcRealm.addPrincipal()`. */
export interface AddPrincipalOptions {
  /** Password that its keys are derived from. @default {random keys} */
  readonly password?: string | undefined;
  /** Enctypes of its keys; tickets for it are sealed with the first. @default {the realm's} */
  readonly enctypes?: readonly number[] | undefined;
  /** Version of its keys. @default {1} */
  readonly kvno?: number | undefined;
  /** Salt of the password. @default {realm and components, concatenated} */
  readonly salt?: string | undefined;
  /** Whether it must pre-authenticate. @default {true} */
  readonly requiresPreauth?: boolean | undefined;
  /** Enctypes that its session keys may have. @default {those of its keys} */
  readonly sessionEnctypes?: readonly number[] | undefined;
  /** Whether it is refused as a client (`KDC_ERR_CLIENT_REVOKED`). @default {false} */
  readonly disabled?: boolean | undefined;
  /**
   * When the account ends, in milliseconds since the epoch: it is refused as a client (`KDC_ERR_NAME_EXP`) and as a service
   * (`KDC_ERR_SERVICE_EXP`) from then on.
   *
   * @default {never}
   */
  readonly expires?: number | undefined;
  /**
   * When its password ends, in milliseconds since the epoch, 0 for a password that must be changed first: it is refused as a client
   * (`KDC_ERR_KEY_EXPIRED`) from then on.
   *
   * @default {never}
   */
  readonly passwordExpires?: number | undefined;
  /**
   * Number of wrong passwords in a row after which it is refused as a client (`KDC_ERR_CLIENT_REVOKED`) until it is added again.
   *
   * @default {never}
   */
  readonly lockAfter?: number | undefined;
  /** Whether clients may delegate credentials to it (OK-AS-DELEGATE, RFC 4120 section 2.8). @default {false} */
  readonly okAsDelegate?: boolean | undefined;
  /** Account that tickets of it say it is, in a PAC as Active Directory's. @default {tickets have no PAC} */
  readonly pac?: PacOptions | undefined;
}

/** A principal of a realm. */
export interface KdcPrincipal {
  /** Name. */
  readonly name: Principal;
  /** Version of its keys. */
  readonly kvno: number;
  /** Its keys; tickets for it are sealed with the first. */
  readonly keys: readonly KerberosKey[];
  /** Salt of its password. */
  readonly salt: string;
  /** Whether it must pre-authenticate. */
  readonly requiresPreauth: boolean;
  /** Enctypes that its session keys may have. */
  readonly sessionEnctypes: readonly number[];
  /** Whether it is refused as a client. */
  readonly disabled: boolean;
  /** When the account ends, in milliseconds since the epoch. */
  readonly expires: number;
  /** When the password ends, in milliseconds since the epoch. */
  readonly passwordExpires: number;
  /** Number of wrong passwords in a row that lock it. */
  readonly lockAfter: number;
  /** Number of wrong passwords in a row so far. */
  wrongPasswords: number;
  /** Whether clients may delegate credentials to it. */
  readonly okAsDelegate: boolean;
  /** Account that tickets of it say it is. */
  readonly pac: PacOptions | undefined;
}
