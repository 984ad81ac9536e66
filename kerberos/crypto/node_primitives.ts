/**
 * The primitives on `node:crypto`, where the runtime has it: answers at once, without the thread pool that WebCrypto goes
 * through, which is most of the time for short messages.
 *
 * Measured on Deno 2.9.6: SHA-1 and AES-ECB run at full speed here, so HMAC-SHA1 and CBC decryption (ECB, then one
 * exclusive-or with the blocks before) are done at once whatever the length. CBC encryption and SHA-2 are slow here, so long
 * messages go to WebCrypto for these: encryption runs there beside the HMAC over the same message.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import type { CbcCipher, CryptoPrimitives, Eventually, HashName, Mac } from "./primitives.ts";

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
const HASH_BLOCKS: Readonly<Record<HashName, number>> = { "SHA-1": 64, "SHA-256": 64, "SHA-384": 128 };
const BLOCK = 16;
/** Longer messages are encrypted by WebCrypto. */
const LONGEST_ENCRYPTED_HERE = 2048;
/** Longer messages are signed by WebCrypto where the hash is a slow one here. */
const LONGEST_SHA2_HERE = 8192;

/** `node:crypto`, found without importing it, so that a browser's bundle has nothing to miss. */
function nodeCrypto(): NodeCrypto | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined;
}

/** The primitives on `node:crypto`, with `fallback` for what it is slow at; `undefined` where the runtime has none. */
export function nodePrimitives(fallback: CryptoPrimitives): CryptoPrimitives | undefined {
  const node = nodeCrypto();
  if (node === undefined) return undefined;
  return {
    cbc: (key) => new NodeCbc(node, key, fallback),
    hmac: (hash, key) =>
      hash === "SHA-1"
        ? nodeHmac(node, hash, key)
        : shortHere(nodeHmac(node, hash, key), () => fallback.hmac(hash, key)),
    digest: (hash, data) => plain(node.createHash(NODE_HASHES[hash]).update(data).digest()),
    pbkdf2: (input) => fallback.pbkdf2(input),
  };
}

/** Node gives Buffers, whose `slice` is a view; everything else here counts on a copy. */
function plain(buffer: Bytes): Bytes {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

class NodeCbc implements CbcCipher {
  readonly #node: NodeCrypto;
  readonly #key: Bytes;
  readonly #bits: number;
  readonly #fallback: CryptoPrimitives;
  #long: CbcCipher | Promise<CbcCipher> | undefined;

  constructor(node: NodeCrypto, key: Bytes, fallback: CryptoPrimitives) {
    this.#node = node;
    this.#key = key;
    this.#bits = 8 * key.length;
    this.#fallback = fallback;
  }

  encrypt(iv: Bytes, data: Bytes): Bytes | Promise<Bytes> {
    if (data.length > LONGEST_ENCRYPTED_HERE) return this.#encryptLong(iv, data);
    return this.#run(this.#node.createCipheriv(`aes-${this.#bits}-cbc`, this.#key, iv), data);
  }

  async #encryptLong(iv: Bytes, data: Bytes): Promise<Bytes> {
    this.#long ??= this.#fallback.cbc(this.#key);
    return await (await this.#long).encrypt(iv, data);
  }

  /** CBC is ECB, and an exclusive-or with the ciphertext one block back. */
  decrypt(iv: Bytes, data: Bytes): Bytes {
    const out = this.#run(this.#node.createDecipheriv(`aes-${this.#bits}-ecb`, this.#key, null), data);
    for (let i = 0; i < BLOCK; i++) out[i]! ^= iv[i]!;
    if (data.length > BLOCK) {
      // Whole words at once, from a copy where the input does not lie on a word's boundary.
      const aligned = data.byteOffset % 4 === 0 ? data : data.slice();
      const before = new Uint32Array(aligned.buffer, aligned.byteOffset, (data.length - BLOCK) / 4);
      const words = new Uint32Array(out.buffer, BLOCK, before.length);
      for (let i = 0; i < before.length; i++) words[i]! ^= before[i]!;
    }
    return out;
  }

  /** The cipher is always ended, or the runtime would keep it. The result starts at its buffer's beginning. */
  #run(cipher: NodeCipher, data: Bytes): Bytes {
    cipher.setAutoPadding(false);
    const out = cipher.update(data);
    cipher.final();
    return out.byteOffset === 0 ? plain(out) : new Uint8Array(out);
  }
}

/** Short messages by one, long ones by another that is made when it is first needed. */
function shortHere(here: Mac, makeOther: () => Eventually<Mac>): Mac {
  let other: Eventually<Mac> | undefined;
  return {
    sign(...parts): Eventually<Bytes> {
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      if (length <= LONGEST_SHA2_HERE) return here.sign(...parts);
      other ??= makeOther();
      return other instanceof Promise ? other.then((mac) => mac.sign(...parts)) : other.sign(...parts);
    },
  };
}

/** HMAC (RFC 2104) from two hash states that have taken the key in once. */
function nodeHmac(node: NodeCrypto, hash: HashName, key: Bytes): Mac {
  const start = (pad: number) => {
    const block = new Uint8Array(HASH_BLOCKS[hash]).fill(pad);
    for (let i = 0; i < key.length; i++) block[i]! ^= key[i]!;
    return node.createHash(NODE_HASHES[hash]).update(block);
  };
  // Keys of the enctypes are shorter than a block, so none has to be hashed first.
  const [inner, outer] = [start(0x36), start(0x5c)];
  return {
    sign(...parts): Bytes {
      const state = inner.copy();
      for (const part of parts) state.update(part);
      return plain(outer.copy().update(state.digest()).digest());
    },
  };
}
