/**
 * AES in CBC mode with ciphertext stealing, the last two blocks always swapped (RFC 3962 section 5, called CBC-CS3 by
 * NIST SP 800-38A), from a zero initial vector, on top of plain CBC.
 *
 * @module
 */
import { type Bytes, concat, giveUp } from "../../base/bytes.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import type { CbcCipher } from "./primitives/seam.ts";
import { acquireScratch, releaseScratch } from "./primitives/scratch.ts";

const BLOCK = 16;
const ZERO_BLOCK: Bytes = new Uint8Array(BLOCK);

/** Returns `length` rounded up to whole blocks. */
export function paddedLength(length: number): number {
  return Math.ceil(length / BLOCK) * BLOCK;
}

/**
 * Encrypts `out.length` bytes, 16 or more, into `out`.
 *
 * @param padded The bytes, padded with zeros to whole blocks.
 * @returns `out`
 */
export function ctsEncrypt(cipher: CbcCipher, padded: Bytes, out: Bytes): Eventually<Bytes> {
  return andThen(cipher.encrypt(padded), (cbc) => {
    const { length } = out;
    if (length === BLOCK) {
      out.set(cbc);
      return out;
    }
    const head = cbc.length - 2 * BLOCK;
    // The last block moves forward; the one before it goes last and loses what the padding stole.
    out.set(cbc.subarray(0, head));
    out.set(cbc.subarray(head + BLOCK), head);
    out.set(cbc.subarray(head, length - BLOCK), head + BLOCK);
    giveUp(cbc);
    return out;
  });
}

/** Decrypts 16 bytes or more; the result has the same length. */
export function ctsDecrypt(cipher: CbcCipher, ciphertext: Bytes): Eventually<Bytes> {
  const { length } = ciphertext;
  if (length === BLOCK) return cipher.decrypt(ciphertext);
  const whole = paddedLength(length);
  const scratch = acquireScratch(whole);
  const padded = scratch.subarray(0, whole);
  padded.set(ciphertext);
  return andThen(length === whole ? unswap(cipher, padded) : unsteal(cipher, padded, length), (plain) => {
    releaseScratch(scratch, whole);
    return plain;
  });
}

/** Whole blocks: after swapping the last two blocks back it is plain CBC. */
function unswap(cipher: CbcCipher, padded: Bytes): Eventually<Bytes> {
  const head = padded.length - 2 * BLOCK;
  const last = padded.slice(head, head + BLOCK);
  padded.copyWithin(head, head + BLOCK);
  padded.set(last, head + BLOCK);
  return cipher.decrypt(padded);
}

function unsteal(cipher: CbcCipher, padded: Bytes, length: number): Eventually<Bytes> {
  const head = padded.length - 2 * BLOCK;
  const tail = length - head - BLOCK;
  const before = head === 0 ? ZERO_BLOCK : padded.subarray(head - BLOCK, head);
  const stolen = padded.subarray(head + BLOCK);
  // The plaintext of the padded last block is not used; its place is overwritten below.
  return andThen(cipher.decrypt(padded), (plain) => {
    const swapped = plain.slice(head, head + BLOCK);
    // CBC decryption mixed the block before into the swapped block; mix it out again.
    for (let i = 0; i < BLOCK; i++) swapped[i]! ^= before[i]!;
    const whole = concat(stolen.subarray(0, tail), swapped.subarray(tail));
    return andThen(cipher.decrypt(whole, before), (lastButOne) => {
      plain.set(lastButOne, head);
      for (let i = 0; i < tail; i++) plain[head + BLOCK + i] = swapped[i]! ^ stolen[i]!;
      return plain.subarray(0, length);
    });
  });
}
