/**
 * The interface of an encryption profile (RFC 3961 section 3): what the algorithms of one enctype are, in parts. A profile holds no key;
 * `usage_key.ts` puts its parts together. The table of profiles is in `enctypes.ts`.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import type { Eventually } from "../../base/eventually.ts";
import type { CbcCipher, CryptoPrimitives, HashName, Mac } from "./primitives/seam.ts";

/** What a derived key is for (RFC 3961 section 5.3): encryption, integrity or checksums. */
export const Purpose = { Encryption: 0xaa, Integrity: 0x55, Checksum: 0x99 } as const;

/** What a derived key is for. */
export type Purpose = typeof Purpose[keyof typeof Purpose];

/** The keys that seal messages of one usage. */
export interface SealingKeys {
  readonly cipher: CbcCipher;
  readonly mac: Mac;
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

/** Longest messages that are faster in the core than anywhere else, in bytes, as measured. */
interface CoreLimits {
  readonly seal: number;
  readonly open: number;
  readonly sign: number;
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
  /** Hash of its tags and checksums. */
  readonly hash: HashName;
  /** Messages for the core. */
  readonly core: CoreLimits;
  /** What the key of a usage and purpose is derived from, at most 16 bytes. */
  constant(usage: number, purpose: Purpose): Bytes;
  /** Derives a key from each constant. */
  derive(key: Bytes, constants: readonly Bytes[], primitives: CryptoPrimitives): Eventually<readonly Bytes[]>;
  /** Seals `confounder | message` into `out`, which has the length of both plus the tag, and returns `out`. */
  seal(keys: SealingKeys, confounded: Padded, out: Bytes): Eventually<Bytes>;
  /** Opens a ciphertext of at least a confounder and a tag into `confounder | message`; throws when it is not genuine. */
  open(keys: SealingKeys, ciphertext: Bytes): Eventually<Bytes>;
  /** Derives a key from a password. */
  stringToKey(input: StringToKeyInput, primitives: CryptoPrimitives): Promise<Bytes>;
  /** Pseudo-random function over `input`. */
  prf(key: Bytes, input: Bytes, primitives: CryptoPrimitives): Promise<Bytes>;
}

/** The one error for every ciphertext that is not genuine, so that an attacker cannot tell the reasons apart. */
export function integrityError(): KerberosError {
  return new KerberosError("INTEGRITY", "Cannot decrypt: integrity check failed");
}

/** Keeps what `make` makes for a usage and purpose, for a few dozen usages. */
export function constants(make: (usage: number, purpose: Purpose) => Bytes): EncryptionProfile["constant"] {
  const made = new Map<number, Bytes>();
  return (usage, purpose) => {
    const known = made.get(usage * 256 + purpose);
    if (known !== undefined) return known;
    const constant = make(usage, purpose);
    if (made.size < 256) made.set(usage * 256 + purpose, constant);
    return constant;
  };
}
