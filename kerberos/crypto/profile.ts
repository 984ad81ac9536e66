/**
 * The interface of an encryption profile (RFC 3961 section 3). A profile turns a protocol key into the keys of one usage
 * and uses them; it holds no key itself. The table of profiles is in `enctypes.ts`.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import type { CipherOptions, CryptoPrimitives, Eventually } from "./primitives/seam.ts";

/** The keys of one usage, ready for use. Results are there at once where the primitives give them at once. */
export interface UsageKeys extends Disposable {
  /** Seals `confounder | message` into `out`, which has room for that and the tag, and returns `out`. */
  seal(confounded: Padded, out: Bytes): Eventually<Bytes>;
  /** Opens a ciphertext into `confounder | message`; fails where it is not genuine. */
  open(ciphertext: Bytes): Eventually<Bytes>;
  /** Checksum over the parts one after another. */
  checksum(...parts: readonly Bytes[]): Eventually<Bytes>;
}

/** Bytes with zeros behind them up to whole cipher blocks, so that nobody has to copy them to pad them. */
export interface Padded {
  /** Bytes and zeros. */
  readonly bytes: Bytes;
  /** How many of them count. */
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

/** What the keys of a usage are made with. */
export interface UsageKeysOptions extends CipherOptions {
  readonly primitives: CryptoPrimitives;
}

/** One enctype. */
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
  /** PBKDF2 iterations where the KDC names none. */
  readonly defaultIterations: number;
  /** Derives the keys of one usage. */
  usageKeys(key: Bytes, usage: number, options: UsageKeysOptions): Eventually<UsageKeys>;
  /** Makes a key from a password. */
  stringToKey(input: StringToKeyInput, primitives: CryptoPrimitives): Promise<Bytes>;
  /** Pseudo-random function over `input`. */
  prf(key: Bytes, input: Bytes, primitives: CryptoPrimitives): Promise<Bytes>;
}

/** One error for every way a ciphertext may be wrong, so that nothing tells them apart. */
export function integrityError(): KerberosError {
  return new KerberosError("INTEGRITY", "Cannot decrypt: integrity check failed");
}
