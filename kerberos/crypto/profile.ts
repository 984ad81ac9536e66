/**
 * The interface of an encryption profile (RFC 3961 section 3). A profile turns a protocol key into the keys of one usage
 * and uses them; it holds no key itself. The table of profiles is in `enctypes.ts`.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import type { Eventually } from "../../base/eventually.ts";
import type { CipherOptions, CryptoPrimitives } from "./primitives/seam.ts";

/** The keys of one usage, ready for use. Results are synchronous if the primitives are. */
export interface UsageKeys extends Disposable {
  /** Seals `confounder | message` into `out`, which has the length of both plus the tag, and returns `out`. */
  seal(confounded: Padded, out: Bytes): Eventually<Bytes>;
  /** Opens a ciphertext into `confounder | message`; throws when it is not genuine. */
  open(ciphertext: Bytes): Eventually<Bytes>;
  /** Returns the checksum over the concatenated parts. */
  checksum(...parts: readonly Bytes[]): Eventually<Bytes>;
}

/** Bytes padded with zeros to whole cipher blocks. */
export interface Padded {
  /** The bytes and the padding. */
  readonly bytes: Bytes;
  /** Bytes without the padding. */
  readonly length: number;
}

/** Password, salt and parameters (RFC 3961 section 3, string-to-key). */
export interface StringToKeyInput {
  /** Password as UTF-8. */
  readonly password: Bytes;
  /** Salt as bytes. */
  readonly salt: Bytes;
  /** Iteration count. */
  readonly iterations: number;
}

/** Options of deriving the keys of a usage. */
export interface UsageKeysOptions extends CipherOptions {
  readonly primitives: CryptoPrimitives;
}

/** The algorithms of one enctype. */
export interface EncryptionProfile {
  /** Number of the enctype. */
  readonly enctype: number;
  /** Name in the IANA registry. */
  readonly name: string;
  /** Bytes of a protocol key. */
  readonly keyLength: number;
  /** Bytes of the confounder. */
  readonly confounderLength: number;
  /** Bytes of the checksum, and of the integrity tag of a ciphertext. */
  readonly checksumLength: number;
  /** Type of its checksum (RFC 3961 section 8). */
  readonly checksumType: number;
  /** PBKDF2 iterations if the KDC names none. */
  readonly defaultIterations: number;
  /** Derives the keys of one usage. */
  usageKeys(key: Bytes, usage: number, options: UsageKeysOptions): Eventually<UsageKeys>;
  /** Derives a key from a password. */
  stringToKey(input: StringToKeyInput, primitives: CryptoPrimitives): Promise<Bytes>;
  /** Pseudo-random function over `input`. */
  prf(key: Bytes, input: Bytes, primitives: CryptoPrimitives): Promise<Bytes>;
}

/** The one error for every ciphertext that is not genuine, so that an attacker cannot tell the reasons apart. */
export function integrityError(): KerberosError {
  return new KerberosError("INTEGRITY", "Cannot decrypt: integrity check failed");
}
