/**
 * The primitives on `node:crypto`, if the runtime has it: for messages that are too long for the core, as measured on Deno 2.9.6. It runs
 * SHA-1, SHA-256 and AES-ECB at full speed, so their HMAC and CBC decryption (ECB, then one exclusive-or with the blocks before) are done
 * here, at once. It is slow at CBC encryption and SHA-384, so these use WebCrypto: encryption then runs in parallel with the HMAC over the
 * same message.
 *
 * @module
 */
import { builtin } from "../../../base/builtin.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { andThen, type Eventually } from "../../../base/eventually.ts";
import type { CbcCipher, CryptoPrimitives, HashName, Mac } from "./seam.ts";

/** The few functions of `node:crypto` that are used. */
interface NodeCrypto {
  createHash(name: string): NodeHash;
  createCipheriv(name: string, key: Uint8Array, iv: Uint8Array | null): NodeCipher;
  createDecipheriv(name: string, key: Uint8Array, iv: Uint8Array | null): NodeCipher;
}

interface NodeHash {
  update(data: Uint8Array): NodeHash;
  copy(): NodeHash;
  digest(): Bytes;
}

interface NodeCipher {
  setAutoPadding(on: boolean): void;
  update(data: Uint8Array): Bytes;
  final(): Bytes;
}

const NODE_HASHES: Readonly<Record<HashName, string>> = { "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384" };
/** Bytes of a block of SHA-1 and SHA-256. */
const HASH_BLOCK = 64;
const BLOCK = 16;
const ZERO_IV: Bytes = new Uint8Array(BLOCK);

/** Returns primitives on `node:crypto`, with `fallback` for what that is slow at; `undefined` if the runtime has none. */
export function nodePrimitives(fallback: CryptoPrimitives): CryptoPrimitives | undefined {
  const node = builtin<NodeCrypto>("node:crypto");
  if (node === undefined) return undefined;
  return {
    cbc(key): CbcCipher {
      let encryptor: Eventually<CbcCipher> | undefined;
      return {
        encrypt: (data) => andThen(encryptor ??= fallback.cbc(key), (cipher) => cipher.encrypt(data)),
        decrypt: (data, iv) => cbcDecrypt(node, key, data, iv),
      };
    },
    encryptBlocks: (key, blocks) => once(node.createCipheriv(cipherName(key), key, null), blocks),
    hmac: (hash, key) => hash === "SHA-384" ? fallback.hmac(hash, key) : new NodeHmac(node, hash, key),
    digest: (hash, data) => plain(node.createHash(NODE_HASHES[hash]).update(data).digest()),
    pbkdf2: (input) => fallback.pbkdf2(input),
  };
}

/** Converts a Buffer, whose `slice` returns a view, to a Uint8Array, whose `slice` returns a copy. */
function plain(buffer: Bytes): Bytes {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function cipherName(key: Bytes): string {
  return `aes-${8 * key.length}-ecb`;
}

/** Runs one message through a fresh cipher. The cipher is always ended, or the runtime would leak it. */
function once(cipher: NodeCipher, data: Bytes): Bytes {
  cipher.setAutoPadding(false);
  const out = cipher.update(data);
  cipher.final();
  return fromStart(out);
}

/** The same bytes at the start of a buffer, so that they can be viewed as words. */
function fromStart(out: Bytes): Bytes {
  return out.byteOffset === 0 ? plain(out) : new Uint8Array(out);
}

/** CBC decryption is ECB decryption, then exclusive-or with the ciphertext one block before. */
function cbcDecrypt(node: NodeCrypto, key: Bytes, data: Bytes, iv: Bytes = ZERO_IV): Bytes {
  const out = once(node.createDecipheriv(cipherName(key), key, null), data);
  for (let i = 0; i < BLOCK; i++) out[i]! ^= iv[i]!;
  const aligned = data.byteOffset % 8 === 0 ? data : data.slice();
  const before = new BigUint64Array(aligned.buffer, aligned.byteOffset, (data.length - BLOCK) / 8);
  const words = new BigUint64Array(out.buffer, BLOCK, before.length);
  for (let i = 0; i < before.length; i++) words[i]! ^= before[i]!;
  return out;
}

/** HMAC (RFC 2104). */
class NodeHmac implements Mac {
  readonly #node: NodeCrypto;
  readonly #name: string;
  readonly #innerPad: Bytes;
  readonly #outerPad: Bytes;

  constructor(node: NodeCrypto, hash: HashName, key: Bytes) {
    this.#node = node;
    this.#name = NODE_HASHES[hash];
    // RFC 2104 section 2: a key is padded with zeros, and one that is longer than a block is hashed first.
    const padded = new Uint8Array(HASH_BLOCK);
    padded.set(key.length > padded.length ? node.createHash(this.#name).update(key).digest() : key);
    this.#innerPad = padded.map((byte) => byte ^ 0x36);
    this.#outerPad = padded.map((byte) => byte ^ 0x5c);
  }

  sign(...parts: readonly Bytes[]): Bytes {
    const inner = this.#node.createHash(this.#name).update(this.#innerPad);
    for (const part of parts) inner.update(part);
    return plain(this.#node.createHash(this.#name).update(this.#outerPad).update(inner.digest()).digest());
  }
}
