/**
 * The fields under AES, and tables of 16 bytes from them. Vector permutation (Hamburg, "Accelerating AES with Vector Permute
 * Instructions", CHES 2009) looks up nibbles in registers, so the S-box is computed in GF(2^8) as an extension of degree 2 of GF(2^4).
 *
 * A byte is `k + i * t`, with `k` and `i` in GF(2^4) and `t` a root of `t^2 + a t + a`; its representation is `i` above `k`. With
 * `j = i + k`, an inverse `1 / (k + i t)` is `A + B t`, where
 *
 *     A = 1 / io,  io = 1 / (1/i + a/k) + j
 *     B = (1 / jo + (1 + a) A) / a^2,  jo = 1 / (1/j + a/k) + i
 *
 * so it is linear in `1 / io` and `1 / jo`. Infinity is any index from 128 on, for which a look-up gives zero.
 *
 * @module
 */

/** Product in GF(2^8) of FIPS 197. */
export function mul(a: number, b: number): number {
  let product = 0;
  for (let [x, y] = [a, b]; y > 0; y >>= 1, x = (x << 1) ^ (x & 0x80 ? 0x11b : 0)) if (y & 1) product ^= x;
  return product;
}

const power = (a: number, n: number): number => n === 0 ? 1 : mul(a, power(a, n - 1));
const inverse = (a: number): number => power(a, 254);
const BYTES: readonly number[] = Array.from({ length: 256 }, (_, i) => i);
const NIBBLES: readonly number[] = BYTES.slice(0, 16);

/** A generator of GF(2^4): `g^4 = g + 1`. */
const g = BYTES.find((x) => x > 1 && power(x, 4) === (x ^ 1))!;
/** The element of GF(2^4) that a nibble stands for, and back. */
const element = (n: number): number => [0, 1, 2, 3].reduce((sum, bit) => sum ^ ((n >> bit) & 1 ? power(g, bit) : 0), 0);
const nibble = (x: number): number => NIBBLES.find((n) => element(n) === x)!;

/** An element outside of GF(2^4) whose trace is its norm, and that trace. */
const t = BYTES.find((x) => power(x, 16) !== x && (x ^ power(x, 16)) === mul(x, power(x, 16)))!;
const a = t ^ power(t, 16);

const representations = new Uint8Array(256);
for (const n of BYTES) representations[element(n & 15) ^ mul(element(n >> 4), t)] = n;
/** The representation of a byte. */
export const represented = (x: number): number => representations[x]!;

/** The linear part of the S-box behind the inversion, and its inverse (FIPS 197 sections 5.1.1 and 5.3.2). */
const rotations = (x: number, by: readonly number[]): number =>
  by.reduce((sum, n) => sum ^ (x << n) ^ (x >> (8 - n)), 0) & 0xff;
export const affine = (x: number): number => rotations(x, [0, 1, 2, 3, 4]);
export const affineInverse = (x: number): number => rotations(x, [1, 3, 6]);
/** The constant of the S-box. */
export const SBOX_CONSTANT = 0x63;

/** A linear map of bytes. */
export type Linear = (x: number) => number;

/** `map` as two tables: of the lower nibble and of the higher one. */
export function byNibble(map: Linear): readonly [low: number[], high: number[]] {
  return [NIBBLES.map((n) => map(n)), NIBBLES.map((n) => map(n << 4))];
}

/** `map` behind an inversion, as two tables: of `io` and of `jo`. */
export function behindInversion(map: Linear): readonly [io: number[], jo: number[]] {
  const over = inverse(mul(a, a));
  const io = (x: number) => map(x ^ mul(mul(mul(x, 1 ^ a), over), t));
  const jo = (x: number) => map(mul(mul(x, over), t));
  return [NIBBLES.map((n) => io(inverse(element(n)))), NIBBLES.map((n) => jo(inverse(element(n))))];
}

const INFINITY = 0x80;
/** `1 / n` and `a / n` in GF(2^4). */
export const INVERSE: readonly number[] = NIBBLES.map((n) => n === 0 ? INFINITY : nibble(inverse(element(n))));
export const INVERSE_A: readonly number[] = NIBBLES.map((n) =>
  n === 0 ? INFINITY : nibble(mul(a, inverse(element(n))))
);
