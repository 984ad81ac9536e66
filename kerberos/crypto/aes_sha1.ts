/**
 * aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962) on the simplified profile (RFC 3961 section 5.3).
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { type Bytes, utf8 } from "../../base/bytes.ts";
import { ctsDecrypt, ctsEncrypt } from "./aes_cts.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import type { CbcCipher, CryptoPrimitives, Mac } from "./primitives/seam.ts";
import {
  type EncryptionProfile,
  integrityError,
  type Padded,
  type StringToKeyInput,
  type UsageKeys,
  type UsageKeysOptions,
} from "./profile.ts";
import { deriveRandom, nfold, usageConstant } from "./simplified.ts";

const MAC = 12;
const CONFOUNDER = 16;

/** Folded constants of the key usages seen so far, a few dozen. */
const FOLDED = new Map<number, Bytes>();

/** The constant of a key usage, folded to one block (RFC 3961 section 5.3). */
function foldedConstant(usage: number, purpose: 0x99 | 0xaa | 0x55): Bytes {
  const key = usage * 256 + purpose;
  let folded = FOLDED.get(key);
  if (folded === undefined) {
    folded = nfold(usageConstant(usage, purpose), 16);
    if (FOLDED.size < 256) FOLDED.set(key, folded);
  }
  return folded;
}

async function deriveKey(key: Bytes, constant: Uint8Array, primitives: CryptoPrimitives): Promise<Bytes> {
  const [derived] = await deriveRandom(primitives, key, [constant], key.length);
  return derived!;
}

function usageKeys(key: Bytes, usage: number, { primitives, lasting }: UsageKeysOptions): Eventually<UsageKeys> {
  const constants = ([0xaa, 0x55, 0x99] as const).map((purpose) => foldedConstant(usage, purpose));
  return andThen(
    deriveRandom(primitives, key, constants, key.length),
    ([ke, ki, kc]) =>
      andThen(
        primitives.cbc(ke!, { lasting }),
        (cipher) =>
          andThen(primitives.hmac("SHA-1", ki!), (integrity) =>
            andThen(primitives.hmac("SHA-1", kc!), (checksum) =>
              new Sha1UsageKeys(cipher, integrity, checksum))),
      ),
  );
}

class Sha1UsageKeys implements UsageKeys {
  readonly #cipher: CbcCipher;
  readonly #integrity: Mac;
  readonly #checksum: Mac;

  constructor(cipher: CbcCipher, integrity: Mac, checksum: Mac) {
    this.#cipher = cipher;
    this.#integrity = integrity;
    this.#checksum = checksum;
  }

  seal({ bytes, length }: Padded, out: Bytes): Eventually<Bytes> {
    // Start encryption first: if it runs on another thread, the code is computed meanwhile.
    const sealing = ctsEncrypt(this.#cipher, bytes, out.subarray(0, length));
    if (sealing instanceof Promise) sealing.catch(() => {}); // Reported below, unless signing fails too.
    return andThen(this.#integrity.sign(bytes.subarray(0, length)), (mac) =>
      andThen(sealing, () => {
        out.set(mac.subarray(0, MAC), length);
        return out;
      }));
  }

  open(ciphertext: Bytes): Eventually<Bytes> {
    if (ciphertext.length < CONFOUNDER + MAC) throw integrityError();
    const decrypting = ctsDecrypt(this.#cipher, ciphertext.subarray(0, -MAC));
    // Compare the tag that was passed in, even if the caller changes the ciphertext meanwhile.
    const tag = decrypting instanceof Promise ? ciphertext.slice(-MAC) : ciphertext.subarray(-MAC);
    return andThen(
      decrypting,
      (confounded) =>
        andThen(this.#integrity.sign(confounded), (mac) => {
          if (!timingSafeEqual(mac.subarray(0, MAC), tag)) throw integrityError();
          return confounded;
        }),
    );
  }

  checksum(...parts: readonly Bytes[]): Eventually<Bytes> {
    return andThen(this.#checksum.sign(...parts), (mac) => mac.subarray(0, MAC));
  }

  [Symbol.dispose](): void {
    this.#cipher[Symbol.dispose]();
  }
}

/** RFC 3962 section 4: PBKDF2, then one derivation with the constant "kerberos". */
async function stringToKey(input: StringToKeyInput, length: number, primitives: CryptoPrimitives): Promise<Bytes> {
  const key = await primitives.pbkdf2({ ...input, hash: "SHA-1", length });
  return await deriveKey(key, utf8("kerberos"), primitives);
}

/** RFC 3961 section 5.3: the input's hash, cut to whole blocks, encrypted without confounder under DK(key, "prf"). */
async function prf(key: Bytes, input: Bytes, primitives: CryptoPrimitives): Promise<Bytes> {
  const hash = await primitives.digest("SHA-1", input);
  const derived = await deriveKey(key, utf8("prf"), primitives);
  return await primitives.encryptBlocks(derived, hash.slice(0, 16));
}

function profile(enctype: number, name: string, checksumType: number, keyLength: number): EncryptionProfile {
  return {
    enctype,
    name,
    keyLength,
    checksumType,
    confounderLength: CONFOUNDER,
    checksumLength: MAC,
    defaultIterations: 4096,
    usageKeys,
    prf,
    stringToKey: (input, primitives) => stringToKey(input, keyLength, primitives),
  };
}

/** Enctype 17, checksum type 15. */
export const aes128Sha1: EncryptionProfile = profile(17, "aes128-cts-hmac-sha1-96", 15, 16);
/** Enctype 18, checksum type 16. */
export const aes256Sha1: EncryptionProfile = profile(18, "aes256-cts-hmac-sha1-96", 16, 32);
