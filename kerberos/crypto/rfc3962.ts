/**
 * aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962) on the simplified profile (RFC 3961 section 5.3).
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { type Bytes, ByteWriter, utf8 } from "../../gss/bytes.ts";
import { KerberosError } from "../errors.ts";
import { ctsDecrypt, ctsEncrypt } from "./aes_cts.ts";
import type { CryptoPrimitives } from "./primitives.ts";
import type { EncryptionProfile, StringToKeyInput, UsageKeys } from "./profile.ts";
import { deriveRandom } from "./rfc3961.ts";

const MAC = 12;
const CONFOUNDER = 16;

/** Usage number and purpose, the constant that a usage's keys are derived with (RFC 3961 section 5.3). */
export function usageConstant(usage: number, purpose: 0x99 | 0xaa | 0x55): Bytes {
  return new ByteWriter().u32(usage).u8(purpose).finish();
}

async function deriveKey(key: Bytes, constant: Uint8Array, primitives: CryptoPrimitives): Promise<Bytes> {
  return await deriveRandom(await primitives.cbc(key), constant, key.length);
}

async function usageKeys(key: Bytes, usage: number, primitives: CryptoPrimitives): Promise<UsageKeys> {
  const base = await primitives.cbc(key);
  const [ke, ki, kc] = await Promise.all(
    ([0xaa, 0x55, 0x99] as const).map((purpose) => deriveRandom(base, usageConstant(usage, purpose), key.length)),
  ) as [Bytes, Bytes, Bytes];
  const cipher = await primitives.cbc(ke);
  const integrity = await primitives.hmac("SHA-1", ki);
  const checksum = await primitives.hmac("SHA-1", kc);
  return {
    async seal({ bytes, length }, headroom): Promise<Bytes> {
      // Encryption goes first: where it runs on another thread, the code is computed meanwhile.
      const sealing = ctsEncrypt(cipher, bytes, length);
      const [sealed, mac] = await Promise.all([sealing, integrity.sign(bytes.subarray(0, length))]);
      return withTag(sealed, mac, headroom, MAC);
    },
    async open(ciphertext): Promise<Bytes> {
      if (ciphertext.length < CONFOUNDER + MAC) throw integrityError();
      const confounded = await ctsDecrypt(cipher, ciphertext.subarray(0, -MAC));
      const mac = await integrity.sign(confounded);
      if (!timingSafeEqual(mac.subarray(0, MAC), ciphertext.subarray(-MAC))) throw integrityError();
      return confounded;
    },
    async checksum(...parts): Promise<Bytes> {
      return (await checksum.sign(...parts)).subarray(0, MAC);
    },
  };
}

/** Ciphertext and the first octets of a code, behind some octets of zero. */
export function withTag(sealed: Bytes, mac: Bytes, headroom: number, length: number): Bytes {
  const out = new Uint8Array(headroom + sealed.length + length);
  out.set(sealed, headroom);
  out.set(mac.subarray(0, length), headroom + sealed.length);
  return out;
}

/** One error for every way a ciphertext may be wrong, so that nothing tells them apart. */
export function integrityError(): KerberosError {
  return new KerberosError("INTEGRITY", "Cannot decrypt: integrity check failed");
}

/** RFC 3962 section 4: PBKDF2, then one derivation with the constant "kerberos". */
async function stringToKey(input: StringToKeyInput, length: number, primitives: CryptoPrimitives): Promise<Bytes> {
  const { password, salt, iterations = 4096 } = input;
  const key = await primitives.pbkdf2({ hash: "SHA-1", password, salt, iterations, length });
  return await deriveKey(key, utf8("kerberos"), primitives);
}

/** RFC 3961 section 5.3: the input's hash, cut to whole blocks, encrypted without confounder under DK(key, "prf"). */
async function prf(key: Bytes, input: Bytes, primitives: CryptoPrimitives): Promise<Bytes> {
  const hash = await primitives.digest("SHA-1", input);
  const derived = await deriveKey(key, utf8("prf"), primitives);
  return await ctsEncrypt(await primitives.cbc(derived), hash.slice(0, 16), 16);
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
