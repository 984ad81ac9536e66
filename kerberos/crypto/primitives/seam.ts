/**
 * The seam under all cryptography: AES-CBC without padding, HMAC, hashes and PBKDF2. A result may be a plain value, because
 * some runtimes compute it at once.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import type { Eventually } from "../../../base/eventually.ts";
import type { Core } from "../core/core.ts";

/** Hash functions that the enctypes use. */
export type HashName = "SHA-1" | "SHA-256" | "SHA-384";

/** AES-CBC under one key, without padding: data is always whole blocks of 16 bytes. Results are fresh memory. */
export interface CbcCipher {
  /** Encrypts whole blocks with a zero initial vector. `data` must not be used meanwhile; it is unchanged afterwards. */
  encrypt(data: Bytes): Eventually<Bytes>;
  /** Decrypts whole blocks, by default with a zero initial vector. */
  decrypt(data: Bytes, iv?: Bytes): Eventually<Bytes>;
}

/** HMAC under one key. */
export interface Mac {
  /** Returns the untruncated code over the concatenated parts, as they are at the time of the call. */
  sign(...parts: readonly Bytes[]): Eventually<Bytes>;
}

/** Options of {@linkcode CryptoPrimitives.pbkdf2}. */
export interface Pbkdf2Input {
  readonly hash: HashName;
  readonly password: Bytes;
  readonly salt: Bytes;
  readonly iterations: number;
  /** Bytes of output. */
  readonly length: number;
}

/** An implementation of the primitives. */
export interface CryptoPrimitives {
  /** What does whole messages in one call, if it is there and chosen. */
  readonly core?: Core | undefined;
  cbc(key: Bytes): Eventually<CbcCipher>;
  /** AES of each block of 16 bytes separately (ECB), for key derivation. */
  encryptBlocks(key: Bytes, blocks: Bytes): Eventually<Bytes>;
  hmac(hash: HashName, key: Bytes): Eventually<Mac>;
  digest(hash: HashName, data: Bytes): Eventually<Bytes>;
  pbkdf2(input: Pbkdf2Input): Promise<Bytes>;
}
