/**
 * The primitives on `node:crypto`, if the runtime has it. Results are synchronous: WebCrypto uses a thread pool, which takes
 * most of the time for short messages.
 *
 * Measured on Deno 2.9.6: `node:crypto` runs SHA-1 and AES-ECB at full speed, so HMAC-SHA1 and CBC decryption (ECB, then one
 * exclusive-or with the blocks before) are done here for any length. It is slow at CBC encryption and SHA-2, so these use
 * WebCrypto for long messages: encryption then runs in parallel with the HMAC over the same message.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { andThen, type Eventually } from "../../../base/eventually.ts";
import type { CbcCipher, CipherOptions, CryptoPrimitives, HashName, Mac } from "./seam.ts";

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
/** WebCrypto encrypts longer messages. */
const LONGEST_ENCRYPTED_HERE = 4096;
/** A cipher or hash state is kept after this many messages; most keys are used for fewer. */
const MESSAGES_BEFORE_KEEPING = 4;
/** Up to this many bytes are combined one by one, because creating a view of words costs more. */
const SHORT_XOR = 128;
/** WebCrypto signs longer messages with SHA-2. */
const LONGEST_SHA2_HERE = 8192;

/** `node:crypto`, obtained without an import, so that this module loads in a browser. */
function nodeCrypto(): NodeCrypto | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined;
}

/** Returns primitives on `node:crypto`, with `fallback` for what that is slow at; `undefined` if the runtime has none. */
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

/** Converts a Buffer, whose `slice` returns a view, to a Uint8Array, whose `slice` returns a copy. */
function plain(buffer: Bytes): Bytes {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function cipherName(key: Bytes, mode: "cbc" | "ecb"): string {
  return `aes-${8 * key.length}-${mode}`;
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

/** Ends ciphers whose key was not disposed. */
const forgotten: FinalizationRegistry<NodeCipher> = new FinalizationRegistry((cipher) => cipher.final());

class NodeCbc implements CbcCipher {
  readonly #node: NodeCrypto;
  readonly #key: Bytes;
  readonly #fallback: CryptoPrimitives;
  #messagesToKeeping: number;
  #encryptor: NodeCipher | undefined;
  #decryptor: NodeCipher | undefined;
  /** Last block of the encryptor's output, its next initial vector. */
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
    // A kept cipher continues from its last block; mixing that into the first block makes the initial vector zero.
    xor(data, this.#last, BLOCK);
    const out = plain(this.#encryptor.update(data));
    xor(data, this.#last, BLOCK);
    this.#last = out.slice(out.length - BLOCK);
    return out;
  }

  /** CBC decryption is ECB decryption, then exclusive-or with the ciphertext one block before. */
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

/** Exclusive-or of the first `length` bytes, in place. */
function xor(target: Bytes, other: Bytes, length: number): void {
  for (let i = 0; i < length; i++) target[i]! ^= other[i]!;
}

/** A Mac that signs short messages with `here`, and long ones with another that is created on first use. */
function shortHere(here: Mac, makeOther: () => Eventually<Mac>): Mac {
  let other: Eventually<Mac> | undefined;
  return {
    sign(...parts): Eventually<Bytes> {
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      if (length <= LONGEST_SHA2_HERE) return here.sign(...parts);
      other ??= makeOther();
      // The caller may change the parts once the call returns.
      const taken = other instanceof Promise ? parts.map((part) => part.slice()) : parts;
      return andThen(other, (mac) => mac.sign(...taken));
    },
  };
}

/** HMAC (RFC 2104); after a few messages from two kept hash states that have absorbed the key. */
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
    const name = NODE_HASHES[this.#hash];
    const block = new Uint8Array(HASH_BLOCKS[this.#hash]).fill(pad);
    // RFC 2104 section 2: a key that is longer than a block is hashed first.
    const long = this.#key.length > block.length;
    const key = long ? plain(this.#node.createHash(name).update(this.#key).digest()) : this.#key;
    xor(block, key, key.length);
    return this.#node.createHash(name).update(block);
  }
}
