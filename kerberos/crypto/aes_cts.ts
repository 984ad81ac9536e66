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

/** Octets that whole blocks for `length` octets have. */
export function paddedLength(length: number): number {
  return Math.ceil(length / BLOCK) * BLOCK;
}

/**
 * Encrypts `length` octets, 16 or more, into as many.
 *
 * @param padded The octets, with zeros behind them up to whole blocks.
 */
export async function ctsEncrypt(cipher: CbcCipher, padded: Bytes, length: number): Promise<Bytes> {
  const cbc = await cipher.encrypt(ZERO_IV, padded);
  if (length === BLOCK) return cbc;
  const head = padded.length - 2 * BLOCK;
  // The last block moves forward; the one before it goes last and loses what the padding stole.
  const last = cbc.slice(head + BLOCK);
  cbc.copyWithin(head + BLOCK, head, head + BLOCK);
  cbc.set(last, head);
  return cbc.subarray(0, length);
}

/** Decrypts 16 octets or more into as many. */
export async function ctsDecrypt(cipher: CbcCipher, ciphertext: Bytes): Promise<Bytes> {
  const { length } = ciphertext;
  if (length === BLOCK) return await cipher.decrypt(ZERO_IV, ciphertext);
  const padded = new Uint8Array(paddedLength(length));
  padded.set(ciphertext);
  const head = padded.length - 2 * BLOCK;
  const tail = length - head - BLOCK;
  const before = head === 0 ? ZERO_IV : padded.subarray(head - BLOCK, head);
  const stolen = padded.subarray(head + BLOCK);
  // The padded last block decrypts to nothing of use, and its place is needed below.
  const plain = await cipher.decrypt(ZERO_IV, padded);
  const swapped = plain.slice(head, head + BLOCK);
  // CBC has mixed the block before into the swapped one; that is taken out again.
  for (let i = 0; i < BLOCK; i++) swapped[i]! ^= before[i]!;
  const lastButOne = await cipher.decrypt(before, concat(stolen.subarray(0, tail), swapped.subarray(tail)));
  plain.set(lastButOne, head);
  for (let i = 0; i < tail; i++) plain[head + BLOCK + i] = swapped[i]! ^ stolen[i]!;
  return plain.subarray(0, length);
}
