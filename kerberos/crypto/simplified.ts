/**
 * n-fold and the key derivation of the simplified profile (RFC 3961 section 5.1), for AES (RFC 3962).
 *
 * @module
 */
import { type Bytes, ByteWriter } from "../../base/bytes.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import type { CryptoPrimitives } from "./primitives/seam.ts";

const BLOCK = 16;

/**
 * Stretches or folds `input` to `length` bytes (RFC 3961 section 5.1): adds up copies of the input, each rotated right by 13
 * bits more than the copy before, with end-around carry.
 */
export function nfold(input: Uint8Array, length: number): Bytes {
  if (input.length === 0 || length === 0) throw new RangeError("Cannot fold: neither side may be empty");
  const out = new Uint8Array(length);
  const inputBits = 8 * input.length;
  const total = lcm(input.length, length);
  let carry = 0;
  for (let i = total - 1; i >= 0; i--) {
    // The bit of the input that is the highest of byte i of the rotated copies.
    const copy = Math.floor(i / input.length);
    const bit = (((8 * (i % input.length) - 13 * copy) % inputBits) + inputBits) % inputBits;
    const at = bit >>> 3;
    const pair = (input[at]! << 8) | input[(at + 1) % input.length]!;
    carry += ((pair >>> (8 - (bit & 7))) & 0xff) + out[i % length]!;
    out[i % length] = carry & 0xff;
    carry >>>= 8;
  }
  for (let i = length - 1; carry > 0; i = (i + length - 1) % length) {
    carry += out[i]!;
    out[i] = carry & 0xff;
    carry >>>= 8;
  }
  return out;
}

function lcm(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return a / x * b;
}

/**
 * DR (RFC 3961 section 5.1) for several constants at once: each folded constant is encrypted repeatedly until there are
 * `length` bytes.
 */
export function deriveRandom(
  primitives: CryptoPrimitives,
  key: Bytes,
  constants: readonly Uint8Array[],
  length: number,
): Eventually<Bytes[]> {
  const derived = constants.map(() => new Uint8Array(Math.ceil(length / BLOCK) * BLOCK));
  const folded = new Uint8Array(BLOCK * constants.length);
  constants.forEach((constant, i) =>
    folded.set(constant.length === BLOCK ? constant : nfold(constant, BLOCK), BLOCK * i)
  );
  const round = (blocks: Bytes, at: number): Eventually<Bytes[]> => {
    if (at >= length) return derived.map((bytes) => bytes.subarray(0, length));
    return andThen(primitives.encryptBlocks(key, blocks), (next) => {
      derived.forEach((bytes, i) => bytes.set(next.subarray(BLOCK * i, BLOCK * (i + 1)), at));
      return round(next, at + BLOCK);
    });
  };
  return round(folded, 0);
}

/** The constant from which a key of a usage is derived: usage number and purpose (RFC 3961 section 5.3). */
export function usageConstant(usage: number, purpose: 0x99 | 0xaa | 0x55): Bytes {
  return new ByteWriter().u32(usage).u8(purpose).finish();
}
