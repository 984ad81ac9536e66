/**
 * aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009): encrypt, then authenticate the ciphertext.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { type Bytes, ByteWriter, concat, EMPTY, utf8 } from "../../gss/bytes.ts";
import { ctsDecrypt, ctsEncrypt } from "./aes_cts.ts";
import type { CryptoPrimitives, HashName } from "./primitives.ts";
import type { EncryptionProfile, StringToKeyInput, UsageKeys } from "./profile.ts";
import { integrityError, usageConstant, withTag } from "./rfc3962.ts";

const CONFOUNDER = 16;
const CIPHER_STATE: Bytes = new Uint8Array(16);

interface Parameters {
  readonly name: string;
  readonly hash: HashName;
  /** Octets of a protocol or encryption key. */
  readonly keyLength: number;
  /** Octets of an integrity tag, an integrity key and a checksum key. */
  readonly macLength: number;
  /** Octets of PRF output. */
  readonly prfLength: number;
}

interface KdfInput {
  readonly key: Bytes;
  readonly label: Bytes;
  readonly context?: Bytes;
  /** Octets wanted, at most one output of the hash. */
  readonly length: number;
}

/** KDF-HMAC-SHA2 (RFC 8009 section 3): one HMAC over counter, label, zero, context and length in bits. */
async function kdf(hash: HashName, input: KdfInput, primitives: CryptoPrimitives): Promise<Bytes> {
  const bits = new ByteWriter().u32(8 * input.length).finish();
  const message = concat(Uint8Array.of(0, 0, 0, 1), input.label, Uint8Array.of(0), input.context ?? EMPTY, bits);
  const mac = await primitives.hmac(hash, input.key);
  return (await mac.sign(message)).subarray(0, input.length);
}

/** RFC 8009 section 5. */
async function usageKeys(p: Parameters, key: Bytes, usage: number, primitives: CryptoPrimitives): Promise<UsageKeys> {
  const derive = (purpose: 0x99 | 0xaa | 0x55, length: number) =>
    kdf(p.hash, { key, label: usageConstant(usage, purpose), length }, primitives);
  const [ke, ki, kc] = await Promise.all([
    derive(0xaa, p.keyLength),
    derive(0x55, p.macLength),
    derive(0x99, p.macLength),
  ]);
  const cipher = await primitives.cbc(ke);
  const integrity = await primitives.hmac(p.hash, ki);
  const checksum = await primitives.hmac(p.hash, kc);
  const tag = async (sealed: Bytes) => (await integrity.sign(CIPHER_STATE, sealed)).subarray(0, p.macLength);
  return {
    async seal({ bytes, length }, headroom): Promise<Bytes> {
      const sealed = await ctsEncrypt(cipher, bytes, length);
      return withTag(sealed, await tag(sealed), headroom, p.macLength);
    },
    async open(ciphertext): Promise<Bytes> {
      if (ciphertext.length < CONFOUNDER + p.macLength) throw integrityError();
      const sealed = ciphertext.subarray(0, -p.macLength);
      // Checked before anything is decrypted (section 5).
      if (!timingSafeEqual(await tag(sealed), ciphertext.subarray(-p.macLength))) throw integrityError();
      return await ctsDecrypt(cipher, sealed);
    },
    async checksum(...parts): Promise<Bytes> {
      return (await checksum.sign(...parts)).subarray(0, p.macLength);
    },
  };
}

/** RFC 8009 section 4: the salt starts with the enctype's name and a zero octet. */
async function stringToKey(p: Parameters, input: StringToKeyInput, primitives: CryptoPrimitives): Promise<Bytes> {
  const { password, iterations = 32_768 } = input;
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
    usageKeys: (key, usage, primitives) => usageKeys(p, key, usage, primitives),
    stringToKey: (input, primitives) => stringToKey(p, input, primitives),
    prf: (key, context, primitives) =>
      kdf(p.hash, { key, label: utf8("prf"), context, length: p.prfLength }, primitives),
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
