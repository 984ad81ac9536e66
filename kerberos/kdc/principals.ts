/**
 * Principals of the embedded KDC.
 *
 * @module
 */
import type { KerberosKey } from "../crypto/key.ts";
import type { Principal } from "../principal.ts";

/** How a principal is added. */
export interface AddPrincipalOptions {
  /** Password that its keys are made of. @default {random keys} */
  readonly password?: string | undefined;
  /** Enctypes of its keys, the first being the one that tickets for it are sealed with. @default {the realm's} */
  readonly enctypes?: readonly number[] | undefined;
  /** Version of its keys. @default {1} */
  readonly kvno?: number | undefined;
  /** Salt. @default {realm and components run together} */
  readonly salt?: string | undefined;
  /** Whether it must pre-authenticate. @default {true} */
  readonly requiresPreauth?: boolean | undefined;
  /** Enctypes that session keys with it may have. @default {those of its keys} */
  readonly sessionEnctypes?: readonly number[] | undefined;
  /** Whether it is locked out (`KDC_ERR_CLIENT_REVOKED`). @default {false} */
  readonly disabled?: boolean | undefined;
  /** Whether its tickets may be forwarded (RFC 4120 section 2.8). @default {false} */
  readonly okAsDelegate?: boolean | undefined;
}

/** A principal in the KDC's memory. */
export interface KdcPrincipal {
  /** Name. */
  readonly name: Principal;
  /** Version of its keys. */
  readonly kvno: number;
  /** Its keys, the first being the one that tickets for it are sealed with. */
  readonly keys: readonly KerberosKey[];
  /** Salt of its password's keys. */
  readonly salt: string;
  /** Whether it must pre-authenticate. */
  readonly requiresPreauth: boolean;
  /** Enctypes that session keys with it may have. */
  readonly sessionEnctypes: readonly number[];
  /** Whether it is locked out. */
  readonly disabled: boolean;
  /** Whether its tickets may be forwarded. */
  readonly okAsDelegate: boolean;
}
