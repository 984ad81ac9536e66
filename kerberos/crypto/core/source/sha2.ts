/**
 * SHA-256 and SHA-512 (FIPS 180-4; SHA-384 is the latter from another state), their constants computed.
 *
 * @module
 */
import * as w from "./wat.ts";
import { get, type Wat } from "./wat.ts";

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

/** The first `bits` bits of the fraction of a prime's root of the given degree. */
function rootBits(prime: number, degree: 2 | 3, bits: number): bigint {
  const wanted = BigInt(prime) << BigInt(degree * bits);
  let root = 0n;
  for (let bit = BigInt(bits + 8); bit >= 0n; bit--) {
    const next = root | 1n << bit;
    if (next ** BigInt(degree) <= wanted) root = next;
  }
  return BigInt.asUintN(bits, root);
}

/** Little-endian bytes of words. */
const bytesOf = (words: readonly bigint[], size: number): number[] =>
  words.flatMap((word) => Array.from({ length: size }, (_, i) => Number((word >> BigInt(8 * i)) & 255n)));

/** States that hashes start from (FIPS 180-4 section 5.3), 64 bytes each, as they lie in memory. */
export const INITIAL: Readonly<Record<"SHA-1" | "SHA-256" | "SHA-384", readonly number[]>> = {
  "SHA-1": [
    ...bytesOf([0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n, 0xc3d2e1f0n], 4),
    ...new Array<number>(44).fill(0),
  ],
  "SHA-256": [...bytesOf(primes(8).map((prime) => rootBits(prime, 2, 32)), 4), ...new Array<number>(32).fill(0)],
  // From the ninth prime on.
  "SHA-384": bytesOf(primes(16).slice(8).map((prime) => rootBits(prime, 2, 64)), 8),
};

interface Parameters {
  readonly name: string;
  readonly type: "i32" | "i64";
  readonly rounds: number;
  /** Rotations of the two large sums; two rotations and a shift of the small ones. */
  readonly large: readonly (readonly number[])[];
  readonly small: readonly (readonly number[])[];
}

const SHA256: Parameters = {
  name: "sha256",
  type: "i32",
  rounds: 64,
  large: [[2, 13, 22], [6, 11, 25]],
  small: [[7, 18, 3], [17, 19, 10]],
};
const SHA512: Parameters = {
  name: "sha512",
  type: "i64",
  rounds: 80,
  large: [[28, 34, 39], [14, 18, 41]],
  small: [[1, 8, 7], [19, 61, 6]],
};

/** `sha256(state, at, blocks)`, `sha512(state, at, blocks)`: sixteen rounds by turns with the next sixteen words of the schedule. */
function sha2(constants: w.Constants, { name, type, rounds, large, small }: Parameters): Wat {
  const size = type === "i32" ? 4 : 8;
  const prefix = type === "i32" ? "i_" : "l_";
  const words = (letters: string) => letters.split("").map((letter) => prefix + letter);
  const state = words("abcdefgh");
  const op = (what: string) => (a: Wat, b: Wat) => `(${type}.${what} ${a} ${b})`;
  const [add, xor, and, or] = ["add", "xor", "and", "or"].map(op) as [...ReturnType<typeof op>[]] & { length: 4 };
  const turn = (x: Wat, by: number) => `(${type}.rotr ${x} (${type}.const ${by}))`;
  const shift = (x: Wat, by: number) => `(${type}.shr_u ${x} (${type}.const ${by}))`;
  const sum = (x: Wat, by: readonly number[]) => xor!(xor!(turn(x, by[0]!), turn(x, by[1]!)), turn(x, by[2]!));
  const mix = (x: Wat, by: readonly number[]) => xor!(xor!(turn(x, by[0]!), turn(x, by[1]!)), shift(x, by[2]!));
  const at = (i: number) => `(${type}.load offset=${size * i} ${get("i_state")})`;
  const addends = constants.place(bytesOf(primes(rounds).map((prime) => rootBits(prime, 3, 8 * size)), size));
  const bigEndian = Array.from({ length: 16 }, (_, i) => i ^ (size - 1));
  const word = (n: number) => `${prefix}w${n % 16}`;
  let read = "";
  for (let i = 0; i < 16; i++) {
    const perVector = 16 / size;
    const lane = `(${type}x${perVector}.extract_lane ${i % perVector} ${get("v_t")})`;
    if (i % perVector === 0) {
      read += w.set("v_t", w.load(get("i_p"), size * i)) + w.set("v_t", w.shuffle(get("v_t"), get("v_t"), bigEndian));
    }
    read += w.set(word(i), lane);
  }
  let sixteen = "", extended = "";
  for (let n = 0; n < 16; n++) {
    const [a, b, c, d, e, f, g, h] = state.map((_, i) => state[(i + 16 - n) % 8]!) as [...string[]] & { length: 8 };
    const choice = xor!(get(g!), and!(get(e!), xor!(get(f!), get(g!))));
    const majority = or!(and!(get(a!), get(b!)), and!(get(c!), or!(get(a!), get(b!))));
    const addend = `(${type}.load offset=${addends + size * n} ${get("i_at")})`;
    sixteen +=
      w.set(`${prefix}t`, add!(add!(add!(get(h!), add!(get(word(n)), addend)), choice), sum(get(e!), large[1]!))) +
      w.set(d!, add!(get(d!), get(`${prefix}t`))) +
      w.set(h!, add!(get(`${prefix}t`), add!(majority, sum(get(a!), large[0]!))));
    extended += w.set(
      word(n),
      add!(
        add!(get(word(n)), mix(get(word(n + 1)), small[0]!)),
        add!(get(word(n + 9)), mix(get(word(n + 14)), small[1]!)),
      ),
    );
  }
  const end = w.i32(size * rounds);
  const kept = (name: string) => `${prefix}h${name.slice(2)}`;
  const body = state.map((name, i) => w.set(kept(name), at(i))).join("") +
    w.loop(
      get("i_n"),
      state.map((name) => w.set(name, get(kept(name)))).join("") + read + w.set("i_at", w.i32(0)) +
        w.repeat(
          sixteen + w.increment("i_at", 16 * size) + w.when(w.less(get("i_at"), end), extended),
          w.less(get("i_at"), end),
        ) +
        state.map((name) => w.set(kept(name), add!(get(kept(name)), get(name)))).join("") +
        w.increment("i_p", 16 * size) + w.increment("i_n", -1),
    ) +
    state.map((name, i) => `(${type}.store offset=${size * i} ${get("i_state")} ${get(kept(name))})\n`).join("");
  return w.fn(name, ["i_state", "i_p", "i_n"], body);
}

/** Both hashes. */
export const sha2Functions = (constants: w.Constants): Wat => sha2(constants, SHA256) + sha2(constants, SHA512);
