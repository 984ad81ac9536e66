/**
 * aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009): encrypt, then authenticate the ciphertext.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { type Bytes, ByteWriter, concat, EMPTY, utf8 } from "../../base/bytes.ts";
import { ctsDecrypt, ctsEncrypt } from "./aes_cts.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import type { CbcCipher, CryptoPrimitives, HashName, Mac } from "./primitives/seam.ts";
import {
  type EncryptionProfile,
  integrityError,
  type Padded,
  type StringToKeyInput,
  type UsageKeys,
  type UsageKeysOptions,
} from "./profile.ts";
import { usageConstant } from "./simplified.ts";

const CONFOUNDER = 16;
const CIPHER_STATE: Bytes = new Uint8Array(16);

interface Parameters {
  readonly name: string;
  readonly hash: HashName;
  /** Bytes of a protocol or encryption key. */
  readonly keyLength: number;
  /** Bytes of an integrity tag, an integrity key and a checksum key. */
  readonly macLength: number;
  /** Bytes of PRF output. */
  readonly prfLength: number;
}

interface KdfInput {
  readonly key: Bytes;
  readonly label: Bytes;
  readonly context?: Bytes;
  /** Bytes of output, at most one output of the hash. */
  readonly length: number;
}

/** KDF-HMAC-SHA2 (RFC 8009 section 3): one HMAC over counter, label, zero, context and length in bits. */
function kdf(hash: HashName, input: KdfInput, primitives: CryptoPrimitives): Eventually<Bytes> {
  const bits = new ByteWriter().u32(8 * input.length).finish();
  const message = concat(Uint8Array.of(0, 0, 0, 1), input.label, Uint8Array.of(0), input.context ?? EMPTY, bits);
  return andThen(
    primitives.hmac(hash, input.key),
    (mac) => andThen(mac.sign(message), (output) => output.slice(0, input.length)),
  );
}

/** Derives the keys of one usage (RFC 8009 section 5). */
function usageKeys(p: Parameters, key: Bytes, usage: number, options: UsageKeysOptions): Eventually<UsageKeys> {
  const { primitives, lasting } = options;
  const derive = (purpose: 0x99 | 0xaa | 0x55, length: number) =>
    kdf(p.hash, { key, label: usageConstant(usage, purpose), length }, primitives);
  return andThen(
    derive(0xaa, p.keyLength),
    (ke) =>
      andThen(
        derive(0x55, p.macLength),
        (ki) =>
          andThen(derive(0x99, p.macLength), (kc) =>
            andThen(primitives.cbc(ke, { lasting }), (cipher) =>
              andThen(primitives.hmac(p.hash, ki), (integrity) =>
                andThen(primitives.hmac(p.hash, kc), (checksum) =>
                  new Sha2UsageKeys({ cipher, integrity, checksum, macLength: p.macLength }))))),
      ),
  );
}

interface Sha2Parts {
  readonly cipher: CbcCipher;
  readonly integrity: Mac;
  readonly checksum: Mac;
  readonly macLength: number;
}

class Sha2UsageKeys implements UsageKeys {
  readonly #parts: Sha2Parts;

  constructor(parts: Sha2Parts) {
    this.#parts = parts;
  }

  seal({ bytes, length }: Padded, out: Bytes): Eventually<Bytes> {
    return andThen(
      ctsEncrypt(this.#parts.cipher, bytes, out.subarray(0, length)),
      (sealed) =>
        andThen(this.#tag(sealed), (tag) => {
          out.set(tag, length);
          return out;
        }),
    );
  }

  open(ciphertext: Bytes): Eventually<Bytes> {
    const { cipher, macLength } = this.#parts;
    if (ciphertext.length < CONFOUNDER + macLength) throw integrityError();
    const sealed = ciphertext.subarray(0, -macLength);
    const tagging = this.#tag(sealed);
    // Decrypt the bytes that were checked, even if the caller changes the ciphertext meanwhile.
    const checked = tagging instanceof Promise ? ciphertext.slice() : ciphertext;
    return andThen(tagging, (tag) => {
      // Checked before anything is decrypted (section 5).
      if (!timingSafeEqual(tag, checked.subarray(-macLength))) throw integrityError();
      return ctsDecrypt(cipher, checked.subarray(0, -macLength));
    });
  }

  #tag(sealed: Bytes): Eventually<Bytes> {
    const { integrity, macLength } = this.#parts;
    return andThen(integrity.sign(CIPHER_STATE, sealed), (mac) => mac.subarray(0, macLength));
  }

  checksum(...parts: readonly Bytes[]): Eventually<Bytes> {
    const { checksum, macLength } = this.#parts;
    return andThen(checksum.sign(...parts), (mac) => mac.subarray(0, macLength));
  }

  [Symbol.dispose](): void {
    this.#parts.cipher[Symbol.dispose]();
  }
}

/** RFC 8009 section 4: the salt starts with the enctype's name and a zero byte. */
async function stringToKey(p: Parameters, input: StringToKeyInput, primitives: CryptoPrimitives): Promise<Bytes> {
  const { password, iterations } = input;
  const salt = concat(utf8(p.name), Uint8Array.of(0), input.salt);
  const key = await primitives.pbkdf2({ hash: p.hash, password, salt, iterations, length: p.keyLength });
  return await kdf(p.hash, { key, label: utf8("kerberos"), length: p.keyLength }, primitives);
}

function profile(enctype: number, checksumType: number, p: Parameters): EncryptionProfile {
  return {
    enctype,
    name: p.name,
    keyLength: p.keyLength,
    checksumType,
    confounderLength: CONFOUNDER,
    checksumLength: p.macLength,
    defaultIterations: 32_768,
    usageKeys: (key, usage, options) => usageKeys(p, key, usage, options),
    stringToKey: (input, primitives) => stringToKey(p, input, primitives),
    prf: async (key, context, primitives) =>
      await kdf(p.hash, { key, label: utf8("prf"), context, length: p.prfLength }, primitives),
  };
}

/** Enctype 19, checksum type 19. */
export const aes128Sha2: EncryptionProfile = profile(19, 19, {
  name: "aes128-cts-hmac-sha256-128",
  hash: "SHA-256",
  keyLength: 16,
  macLength: 16,
  prfLength: 32,
});

/** Enctype 20, checksum type 20. */
export const aes256Sha2: EncryptionProfile = profile(20, 20, {
  name: "aes256-cts-hmac-sha384-192",
  hash: "SHA-384",
  keyLength: 32,
  macLength: 24,
  prfLength: 48,
});
