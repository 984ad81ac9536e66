/**
 * The seam under all cryptography: AES-CBC without padding, HMAC, hashes and PBKDF2. The implementation here uses WebCrypto
 * and nothing else; `node_primitives.ts` answers at once where the runtime can, which is why results may be plain values.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../../base/bytes.ts";

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

const BLOCK = 16;
const ZERO_IV: Bytes = new Uint8Array(BLOCK);

/** The primitives on WebCrypto. */
export const webCrypto: CryptoPrimitives = {
  async cbc(key: Bytes): Promise<CbcCipher> {
    const imported = await crypto.subtle.importKey("raw", key, "AES-CBC", false, ["encrypt", "decrypt"]);
    return new WebCbc(imported);
  },
  async encryptBlocks(key: Bytes, blocks: Bytes): Promise<Bytes> {
    const cipher = await webCrypto.cbc(key, { lasting: false });
    const starts = Array.from({ length: blocks.length / BLOCK }, (_, i) => BLOCK * i);
    return concat(...await Promise.all(starts.map((at) => cipher.encrypt(blocks.subarray(at, at + BLOCK)))));
  },
  async hmac(hash: HashName, key: Bytes): Promise<Mac> {
    const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash }, false, ["sign"]);
    return {
      async sign(...parts): Promise<Bytes> {
        const data = parts.length === 1 ? parts[0]! : concat(...parts);
        return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
      },
    };
  },
  async digest(hash: HashName, data: Bytes): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.digest(hash, data));
  },
  async pbkdf2(input: Pbkdf2Input): Promise<Bytes> {
    const { hash, password, salt, iterations, length } = input;
    const imported = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const parameters = { name: "PBKDF2", hash, salt, iterations };
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, imported, 8 * length));
  },
};

/** WebCrypto's AES-CBC always pads (PKCS #7), so the padding block is cut off or computed and put back. */
class WebCbc implements CbcCipher {
  readonly #key: CryptoKey;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  async encrypt(data: Bytes): Promise<Bytes> {
    const padded = await crypto.subtle.encrypt({ name: "AES-CBC", iv: ZERO_IV }, this.#key, data);
    return new Uint8Array(padded, 0, data.length);
  }

  /** The block that padding would add is what encrypting nothing gives with the last block as initial vector. */
  async decrypt(data: Bytes, iv: Bytes = ZERO_IV): Promise<Bytes> {
    const last = data.subarray(data.length - BLOCK);
    const padding = await crypto.subtle.encrypt({ name: "AES-CBC", iv: last }, this.#key, EMPTY);
    const padded = concat(data, new Uint8Array(padding));
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, this.#key, padded));
  }

  /** WebCrypto keeps nothing that would have to be given back. */
  [Symbol.dispose](): void {}
}
