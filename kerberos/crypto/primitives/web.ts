/**
 * The primitives on WebCrypto, which every runtime has.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../../base/bytes.ts";
import type { CbcCipher, CryptoPrimitives, HashName, Mac, Pbkdf2Input } from "./seam.ts";

const BLOCK = 16;
const ZERO_IV: Bytes = new Uint8Array(BLOCK);

/** The primitives on WebCrypto. */
export const webCrypto: CryptoPrimitives = {
  async cbc(key: Bytes): Promise<CbcCipher> {
    const imported = await crypto.subtle.importKey("raw", key, "AES-CBC", false, ["encrypt", "decrypt"]);
    return new WebCbc(imported);
  },
  async encryptBlocks(key: Bytes, blocks: Bytes): Promise<Bytes> {
    const cipher = await webCrypto.cbc(key);
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

/** AES-CBC of WebCrypto always pads (PKCS #7), so the padding block is cut off, or computed and appended. */
class WebCbc implements CbcCipher {
  readonly #key: CryptoKey;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  async encrypt(data: Bytes): Promise<Bytes> {
    const padded = await crypto.subtle.encrypt({ name: "AES-CBC", iv: ZERO_IV }, this.#key, data);
    return new Uint8Array(padded, 0, data.length);
  }

  /** The padding block is the encryption of an empty message with the last block as initial vector. */
  async decrypt(data: Bytes, iv: Bytes = ZERO_IV): Promise<Bytes> {
    const last = data.subarray(data.length - BLOCK);
    const padding = await crypto.subtle.encrypt({ name: "AES-CBC", iv: last }, this.#key, EMPTY);
    const padded = concat(data, new Uint8Array(padding));
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, this.#key, padded));
  }
}
