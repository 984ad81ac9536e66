/**
 * The seam under all cryptography: AES-CBC without padding, HMAC, hashes and PBKDF2. The implementation here uses WebCrypto
 * and nothing else; `node_primitives.ts` answers at once where the runtime can, which is why results may be plain values.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../gss/bytes.ts";

/** A value now, or the promise of one. */
export type Eventually<T> = T | Promise<T>;

/** Hash functions that the enctypes use. */
export type HashName = "SHA-1" | "SHA-256" | "SHA-384";

/** AES-CBC under one key, without padding: data is always whole blocks of 16 octets. */
export interface CbcCipher {
  /** Encrypts whole blocks. */
  encrypt(iv: Bytes, data: Bytes): Eventually<Bytes>;
  /** Decrypts whole blocks. */
  decrypt(iv: Bytes, data: Bytes): Eventually<Bytes>;
}

/** HMAC under one key. */
export interface Mac {
  /** The whole, untruncated code over the parts one after another. */
  sign(...parts: readonly Bytes[]): Eventually<Bytes>;
}

/** What {@linkcode CryptoPrimitives.pbkdf2} takes. */
export interface Pbkdf2Input {
  readonly hash: HashName;
  readonly password: Bytes;
  readonly salt: Bytes;
  readonly iterations: number;
  /** Octets wanted. */
  readonly length: number;
}

/** An implementation of the primitives. */
export interface CryptoPrimitives {
  cbc(key: Bytes): Eventually<CbcCipher>;
  hmac(hash: HashName, key: Bytes): Eventually<Mac>;
  digest(hash: HashName, data: Bytes): Eventually<Bytes>;
  pbkdf2(input: Pbkdf2Input): Promise<Bytes>;
}

const BLOCK = 16;

/** The primitives on WebCrypto. */
export const webCrypto: CryptoPrimitives = {
  async cbc(key: Bytes): Promise<CbcCipher> {
    const imported = await crypto.subtle.importKey("raw", key, "AES-CBC", false, ["encrypt", "decrypt"]);
    return new WebCbc(imported);
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

  async encrypt(iv: Bytes, data: Bytes): Promise<Bytes> {
    const padded = await crypto.subtle.encrypt({ name: "AES-CBC", iv }, this.#key, data);
    return new Uint8Array(padded, 0, data.length);
  }

  /** The block that padding would add is what encrypting nothing gives with the last block as initial vector. */
  async decrypt(iv: Bytes, data: Bytes): Promise<Bytes> {
    const last = data.subarray(data.length - BLOCK);
    const padding = await crypto.subtle.encrypt({ name: "AES-CBC", iv: last }, this.#key, EMPTY);
    const padded = concat(data, new Uint8Array(padding));
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, this.#key, padded));
  }
}
