/**
 * AES in CBC mode with ciphertext stealing, the last two blocks always swapped (RFC 3962 section 5, called CBC-CS3 by
 * NIST SP 800-38A), from a zero initial vector, on top of plain CBC.
 *
 * @module
 */
import { type Bytes, concat } from "../../gss/bytes.ts";
import type { CbcCipher } from "./primitives.ts";

const BLOCK = 16;
const ZERO_IV: Bytes = new Uint8Array(BLOCK);

/** Encrypts 16 octets or more into as many. */
export async function ctsEncrypt(cipher: CbcCipher, plaintext: Bytes): Promise<Bytes> {
  const { length } = plaintext;
  if (length === BLOCK) return await cipher.encrypt(ZERO_IV, plaintext);
  const blocks = Math.ceil(length / BLOCK);
  let padded = plaintext;
  if (length % BLOCK !== 0) {
    padded = new Uint8Array(blocks * BLOCK);
    padded.set(plaintext);
  }
  const cbc = await cipher.encrypt(ZERO_IV, padded);
  const last = cbc.slice(-BLOCK);
  const head = (blocks - 2) * BLOCK;
  // The last block moves forward; the one before it goes last and loses what the padding stole.
  cbc.copyWithin(head + BLOCK, head, head + BLOCK);
  cbc.set(last, head);
  return cbc.subarray(0, length);
}

/** Decrypts 16 octets or more into as many. */
export async function ctsDecrypt(cipher: CbcCipher, ciphertext: Bytes): Promise<Bytes> {
  const { length } = ciphertext;
  if (length === BLOCK) return await cipher.decrypt(ZERO_IV, ciphertext);
  const head = (Math.ceil(length / BLOCK) - 2) * BLOCK;
  const tail = length - head - BLOCK;
  const before = head === 0 ? ZERO_IV : ciphertext.subarray(head - BLOCK, head);
  const stolen = ciphertext.subarray(head + BLOCK);
  // All blocks but the short one; CBC mixes the block before into the swapped one, which is taken out again.
  const plain = await cipher.decrypt(ZERO_IV, ciphertext.subarray(0, head + BLOCK));
  const swapped = plain.subarray(head);
  for (let i = 0; i < BLOCK; i++) swapped[i]! ^= before[i]!;
  const restored = concat(stolen, swapped.subarray(tail));
  const lastButOne = await cipher.decrypt(before, restored);
  const out = new Uint8Array(length);
  out.set(plain.subarray(0, head));
  out.set(lastButOne, head);
  for (let i = 0; i < tail; i++) out[head + BLOCK + i] = swapped[i]! ^ stolen[i]!;
  return out;
}
