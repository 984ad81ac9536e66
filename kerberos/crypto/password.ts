/**
 * Options of deriving a key from a password, and the PBKDF2 iterations that result from them (RFC 3962 section 4).
 *
 * @module
 */
import { bytesOf, EMPTY } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import { profileOf } from "./enctypes.ts";

/** Options of `KerberosKey.fromPassword()`. */
export interface PasswordKeyOptions {
  /** Number of the enctype. */
  readonly enctype: number;
  /** Salt, as text, or as bytes if it is not text. */
  readonly salt: string | Uint8Array;
  /** Opaque parameters as a KDC sends them: an iteration count in four bytes (RFC 3962 section 4). */
  readonly s2kparams?: Uint8Array | undefined;
  /**
   * Fewest PBKDF2 iterations accepted from a KDC, so that a forged KDC reply cannot make the password cheaper to guess (RFC 3962
   * section 8).
   *
   * @default {the default of the enctype: 4096 or 32768}
   */
  readonly minimumIterations?: number | undefined;
  /** Most PBKDF2 iterations accepted from a KDC, so that it cannot keep the client busy. @default {1048576} */
  readonly maximumIterations?: number | undefined;
}

/** The iteration count in s2kparams: four bytes, zero for 2^32 (RFC 3962 section 4); `undefined` for another length. */
export function namedIterations(s2kparams: Uint8Array): number | undefined {
  if (s2kparams.length !== 4) return undefined;
  return new DataView(s2kparams.buffer, s2kparams.byteOffset).getUint32(0) || 2 ** 32;
}

/** The iteration count of the KDC, or the default of the enctype; throws when it is outside the limits. */
export function iterationCount(options: Omit<PasswordKeyOptions, "salt">): number {
  const { defaultIterations } = profileOf(options.enctype);
  const { minimumIterations = defaultIterations, maximumIterations = 1 << 20 } = options;
  const s2kparams = bytesOf(options.s2kparams ?? EMPTY, "make a key by");
  const named = namedIterations(s2kparams);
  if (named === undefined && s2kparams.length > 0) {
    throw new KerberosError("BAD_S2K_PARAMS", `Cannot make key: parameters have ${s2kparams.length} bytes, not 4`);
  }
  const iterations = named ?? defaultIterations;
  if (iterations > maximumIterations || (named !== undefined && iterations < minimumIterations)) {
    throw new KerberosError(
      "BAD_S2K_PARAMS",
      `Cannot make key: ${iterations} iterations requested, ${minimumIterations} to ${maximumIterations} accepted`,
    );
  }
  return iterations;
}
