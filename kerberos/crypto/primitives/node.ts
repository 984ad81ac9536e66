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
import type { Bytes } from "../../../base/bytes.ts";
import {
  andThen,
  type CbcCipher,
  type CipherOptions,
  type CryptoPrimitives,
  type Eventually,
  type HashName,
  type Mac,
} from "./seam.ts";

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
const ZERO_IV: Bytes = new Uint8Array(BLOCK);
/** Longer messages are encrypted by WebCrypto. */
const LONGEST_ENCRYPTED_HERE = 4096;
/** So many messages go through a cipher and hash states of their own before these are kept: most keys are used little. */
const MESSAGES_BEFORE_KEEPING = 4;
/** Fewer bytes are combined one by one: a view of words costs more. */
const SHORT_XOR = 128;
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
    cbc: (key, { lasting }) => new NodeCbc(node, key, { fallback, lasting }),
    encryptBlocks: (key, blocks) => once(node.createCipheriv(cipherName(key, "ecb"), key, null), blocks),
    hmac: (hash, key) =>
      hash === "SHA-1"
        ? new NodeHmac(node, hash, key)
        : shortHere(new NodeHmac(node, hash, key), () => fallback.hmac(hash, key)),
    digest: (hash, data) => plain(node.createHash(NODE_HASHES[hash]).update(data).digest()),
    pbkdf2: (input) => fallback.pbkdf2(input),
  };
}

/** Node gives Buffers, whose `slice` is a view; everything else here counts on a copy. */
function plain(buffer: Bytes): Bytes {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function cipherName(key: Bytes, mode: "cbc" | "ecb"): string {
  return `aes-${8 * key.length}-${mode}`;
}

/** One message through a cipher of its own. It is always ended, or the runtime would keep it. */
function once(cipher: NodeCipher, data: Bytes): Bytes {
  cipher.setAutoPadding(false);
  const out = cipher.update(data);
  cipher.final();
  return fromStart(out);
}

/** The same bytes from the beginning of a buffer, where they can be taken by words. */
function fromStart(out: Bytes): Bytes {
  return out.byteOffset === 0 ? plain(out) : new Uint8Array(out);
}

/** Ends ciphers whose key nobody disposed. */
const forgotten: FinalizationRegistry<NodeCipher> = new FinalizationRegistry((cipher) => cipher.final());

class NodeCbc implements CbcCipher {
  readonly #node: NodeCrypto;
  readonly #key: Bytes;
  readonly #fallback: CryptoPrimitives;
  #messagesToKeeping: number;
  #encryptor: NodeCipher | undefined;
  #decryptor: NodeCipher | undefined;
  /** Last block that the encryptor gave, with which it goes on. */
  #last: Bytes = ZERO_IV;
  #long: Eventually<CbcCipher> | undefined;

  constructor(node: NodeCrypto, key: Bytes, options: CipherOptions & { readonly fallback: CryptoPrimitives }) {
    this.#node = node;
    this.#key = key;
    this.#fallback = options.fallback;
    this.#messagesToKeeping = options.lasting ? MESSAGES_BEFORE_KEEPING : Infinity;
  }

  encrypt(data: Bytes): Eventually<Bytes> {
    if (data.length > LONGEST_ENCRYPTED_HERE) {
      this.#long ??= this.#fallback.cbc(this.#key, { lasting: false });
      return andThen(this.#long, (cipher) => cipher.encrypt(data));
    }
    if (--this.#messagesToKeeping >= 0) {
      return once(this.#node.createCipheriv(cipherName(this.#key, "cbc"), this.#key, ZERO_IV), data);
    }
    this.#encryptor ??= this.#keep(this.#node.createCipheriv(cipherName(this.#key, "cbc"), this.#key, ZERO_IV));
    // A cipher that is kept goes on from its last block; with that in the first one it starts from zero again.
    xor(data, this.#last, BLOCK);
    const out = plain(this.#encryptor.update(data));
    xor(data, this.#last, BLOCK);
    this.#last = out.slice(out.length - BLOCK);
    return out;
  }

  /** CBC is ECB, and an exclusive-or with the ciphertext one block back. */
  decrypt(data: Bytes, iv: Bytes = ZERO_IV): Bytes {
    const out = this.#decryptBlocks(data);
    xor(out, iv, BLOCK);
    if (data.length <= SHORT_XOR) {
      for (let i = BLOCK; i < data.length; i++) out[i]! ^= data[i - BLOCK]!;
    } else {
      const aligned = data.byteOffset % 8 === 0 ? data : data.slice();
      const before = new BigUint64Array(aligned.buffer, aligned.byteOffset, (data.length - BLOCK) / 8);
      const words = new BigUint64Array(out.buffer, BLOCK, before.length);
      for (let i = 0; i < before.length; i++) words[i]! ^= before[i]!;
    }
    return out;
  }

  #decryptBlocks(data: Bytes): Bytes {
    if (--this.#messagesToKeeping >= 0) {
      return once(this.#node.createDecipheriv(cipherName(this.#key, "ecb"), this.#key, null), data);
    }
    this.#decryptor ??= this.#keep(this.#node.createDecipheriv(cipherName(this.#key, "ecb"), this.#key, null));
    return fromStart(this.#decryptor.update(data));
  }

  #keep(cipher: NodeCipher): NodeCipher {
    cipher.setAutoPadding(false);
    forgotten.register(this, cipher, this);
    return cipher;
  }

  [Symbol.dispose](): void {
    forgotten.unregister(this);
    for (const cipher of [this.#encryptor, this.#decryptor]) cipher?.final();
    this.#encryptor = this.#decryptor = undefined;
    this.#messagesToKeeping = Infinity;
  }
}

/** Exclusive-or of the first bytes, in place. */
function xor(target: Bytes, other: Bytes, length: number): void {
  for (let i = 0; i < length; i++) target[i]! ^= other[i]!;
}

/** Short messages by one, long ones by another that is made when it is first needed. */
function shortHere(here: Mac, makeOther: () => Eventually<Mac>): Mac {
  let other: Eventually<Mac> | undefined;
  return {
    sign(...parts): Eventually<Bytes> {
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      if (length <= LONGEST_SHA2_HERE) return here.sign(...parts);
      other ??= makeOther();
      // Whoever gave the parts does not wait with what he does to them.
      const taken = other instanceof Promise ? parts.map((part) => part.slice()) : parts;
      return andThen(other, (mac) => mac.sign(...taken));
    },
  };
}

/** HMAC (RFC 2104), soon from two hash states that have taken the key in once and for all. */
class NodeHmac implements Mac {
  readonly #node: NodeCrypto;
  readonly #hash: HashName;
  readonly #key: Bytes;
  #toKeeping = MESSAGES_BEFORE_KEEPING;
  #kept: { readonly inner: NodeHash; readonly outer: NodeHash } | undefined;

  constructor(node: NodeCrypto, hash: HashName, key: Bytes) {
    this.#node = node;
    this.#hash = hash;
    this.#key = key;
  }

  sign(...parts: readonly Bytes[]): Bytes {
    if (this.#kept === undefined && --this.#toKeeping < 0) {
      this.#kept = { inner: this.#start(0x36), outer: this.#start(0x5c) };
    }
    const inner = this.#kept?.inner.copy() ?? this.#start(0x36);
    for (const part of parts) inner.update(part);
    const outer = this.#kept?.outer.copy() ?? this.#start(0x5c);
    return plain(outer.update(inner.digest()).digest());
  }

  #start(pad: number): NodeHash {
    // Keys of the enctypes are shorter than a block, so none has to be hashed first.
    const block = new Uint8Array(HASH_BLOCKS[this.#hash]).fill(pad);
    xor(block, this.#key, this.#key.length);
    return this.#node.createHash(NODE_HASHES[this.#hash]).update(block);
  }
}
