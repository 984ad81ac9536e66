/**
 * aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962) on the simplified profile (RFC 3961 section 5.3).
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { type Bytes, utf8 } from "../../base/bytes.ts";
import { ctsDecrypt, ctsEncrypt } from "./aes_cts.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import type { CryptoPrimitives } from "./primitives/seam.ts";
import { constants, type EncryptionProfile, integrityError, type Padded, type SealingKeys } from "./profile.ts";
import { deriveRandom, nfold, usageConstant } from "./simplified.ts";

const MAC = 12;
/**
 * At 8 KiB the core seals in 45 us (33 with the shorter key). On a busy machine WebCrypto beside `node:crypto` meets it far above; where
 * threads are idle, at about this length.
 */
const LONGEST_SEALED_IN_CORE = 8192;
/** At 3 KiB (4 with the shorter key) the core and `node:crypto` open in 16 us. */
const LONGEST_OPENED_IN_CORE: Readonly<Record<number, number>> = { 16: 4096, 32: 3072 };
/** At 6 KiB the core and `node:crypto` sign in 7.5 us. */
const LONGEST_SIGNED_IN_CORE = 6144;
const constant = constants((usage, purpose) => nfold(usageConstant(usage, purpose), 16));

async function deriveKey(key: Bytes, text: string, primitives: CryptoPrimitives): Promise<Bytes> {
  const [derived] = await deriveRandom(primitives, key, [utf8(text)], key.length);
  return derived!;
}

function seal({ cipher, mac }: SealingKeys, { bytes, length }: Padded, out: Bytes): Eventually<Bytes> {
  // Start encryption first: if it runs on another thread, the code is computed meanwhile.
  const sealing = ctsEncrypt(cipher, bytes, out.subarray(0, length));
  if (sealing instanceof Promise) sealing.catch(() => {}); // Reported below, unless signing fails too.
  return andThen(mac.sign(bytes.subarray(0, length)), (tag) =>
    andThen(sealing, () => {
      out.set(tag.subarray(0, MAC), length);
      return out;
    }));
}

function open({ cipher, mac }: SealingKeys, ciphertext: Bytes): Eventually<Bytes> {
  const decrypting = ctsDecrypt(cipher, ciphertext.subarray(0, -MAC));
  // Compare the tag that was passed in, even if the caller changes the ciphertext meanwhile.
  const tag = decrypting instanceof Promise ? ciphertext.slice(-MAC) : ciphertext.subarray(-MAC);
  return andThen(
    decrypting,
    (confounded) =>
      andThen(mac.sign(confounded), (code) => {
        if (!timingSafeEqual(code.subarray(0, MAC), tag)) throw integrityError();
        return confounded;
      }),
  );
}

/** RFC 3961 section 5.3: the input's hash, cut to whole blocks, encrypted without confounder under DK(key, "prf"). */
async function prf(key: Bytes, input: Bytes, primitives: CryptoPrimitives): Promise<Bytes> {
  const hash = await primitives.digest("SHA-1", input);
  return await primitives.encryptBlocks(await deriveKey(key, "prf", primitives), hash.slice(0, 16));
}

function profile(enctype: number, name: string, checksumType: number, keyLength: number): EncryptionProfile {
  return {
    enctype,
    name,
    keyLength,
    checksumType,
    confounderLength: 16,
    checksumLength: MAC,
    defaultIterations: 4096,
    hash: "SHA-1",
    core: {
      seal: LONGEST_SEALED_IN_CORE,
      open: LONGEST_OPENED_IN_CORE[keyLength]!,
      sign: LONGEST_SIGNED_IN_CORE,
    },
    constant,
    derive: (key, constants, primitives) => deriveRandom(primitives, key, constants, key.length),
    seal,
    open,
    prf,
    // RFC 3962 section 4: PBKDF2, then one derivation with the constant "kerberos".
    stringToKey: async (input, primitives) =>
      await deriveKey(await primitives.pbkdf2({ ...input, hash: "SHA-1", length: keyLength }), "kerberos", primitives),
  };
}

/** Enctype 17, checksum type 15. */
export const aes128Sha1: EncryptionProfile = profile(17, "aes128-cts-hmac-sha1-96", 15, 16);
/** Enctype 18, checksum type 16. */
export const aes256Sha1: EncryptionProfile = profile(18, "aes256-cts-hmac-sha1-96", 16, 32);
