/**
 * The seam under all cryptography: AES-CBC without padding, HMAC, hashes and PBKDF2. A result may be a plain value, because
 * some runtimes compute it at once.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";

/** A value now, or the promise of one. */
export type Eventually<T> = T | Promise<T>;

/** What comes of a value: at once where it is there, else when it is. */
export function andThen<T, U>(value: Eventually<T>, next: (value: T) => Eventually<U>): Eventually<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Hash functions that the enctypes use. */
export type HashName = "SHA-1" | "SHA-256" | "SHA-384";

/** AES-CBC under one key, without padding: data is always whole blocks of 16 bytes. Results are fresh memory. */
export interface CbcCipher extends Disposable {
  /** Encrypts whole blocks from an initial vector of zero. `data` must not be used meanwhile, and is as it was afterwards. */
  encrypt(data: Bytes): Eventually<Bytes>;
  /** Decrypts whole blocks, from an initial vector of zero where none is given. */
  decrypt(data: Bytes, iv?: Bytes): Eventually<Bytes>;
}

/** How a cipher is used. */
export interface CipherOptions {
  /**
   * Whether it may hold on to what the runtime makes for it from one message to the next, which is several times as fast
   * for short messages. Such a cipher must be disposed.
   */
  readonly lasting: boolean;
}

/** HMAC under one key. */
export interface Mac {
  /** The whole, untruncated code over the parts one after another, as they are when the call is made. */
  sign(...parts: readonly Bytes[]): Eventually<Bytes>;
}

/** What {@linkcode CryptoPrimitives.pbkdf2} takes. */
export interface Pbkdf2Input {
  readonly hash: HashName;
  readonly password: Bytes;
  readonly salt: Bytes;
  readonly iterations: number;
  /** Bytes wanted. */
  readonly length: number;
}

/** An implementation of the primitives. */
export interface CryptoPrimitives {
  cbc(key: Bytes, options: CipherOptions): Eventually<CbcCipher>;
  /** AES of each block of 16 bytes by itself, for the derivation of keys. */
  encryptBlocks(key: Bytes, blocks: Bytes): Eventually<Bytes>;
  hmac(hash: HashName, key: Bytes): Eventually<Mac>;
  digest(hash: HashName, data: Bytes): Eventually<Bytes>;
  pbkdf2(input: Pbkdf2Input): Promise<Bytes>;
}
