/**
 * AES (FIPS 197) by vector permutation: no look-up in memory by a secret, no branch on one. Blocks are kept in the representation of
 * `field.ts` between rounds; ShiftRows is part of the permutations that MixColumns needs anyway.
 *
 * @module
 */
import {
  affine,
  affineInverse,
  behindInversion,
  byNibble,
  INVERSE,
  INVERSE_A,
  type Linear,
  mul,
  represented,
  SBOX_CONSTANT,
} from "./field.ts";
import * as w from "./wat.ts";
import { get, type Wat } from "./wat.ts";

/** Factors of a column's four rows in the inverse of MixColumns (FIPS 197 section 5.3.3). */
const UNMIX = [14, 11, 13, 9];
/** Blocks that are decrypted at the same time: CBC allows it, and one alone waits for each result. */
const WAYS = 4;

/** Places of row `row + by` of each column after ShiftRows (`direction` 1), its inverse (-1) or neither (0). */
function rows(by: number, direction: number): number[] {
  return Array.from({ length: 16 }, (_, at) => {
    const row = (at + by) % 4;
    return 4 * (((at >> 2) + direction * row + 4) % 4) + row;
  });
}

const splat = (byte: number): number[] => new Array<number>(16).fill(byte);
const ENTRANCE: Linear = represented;
const UNENTRANCE: Linear = (x) => represented(affineInverse(x));

/** Functions of AES. */
export class Aes {
  readonly #constants: w.Constants;

  constructor(constants: w.Constants) {
    this.#constants = constants;
  }

  #table(bytes: readonly number[]): Wat {
    return this.#constants.vector(bytes);
  }

  #permuted(value: Wat, places: readonly number[]): Wat {
    return w.lookUp(value, this.#table(places));
  }

  /** Nibbles of `x`: `k` below, `i` above. `p` tells variables of blocks apart. */
  #nibbles(x: Wat, p: string): Wat {
    const low = this.#table(splat(15));
    return w.set(`v_i${p}`, `(i32x4.shr_u (v128.andnot ${x} ${low}) (i32.const 4))`) + w.set(`v_k${p}`, w.and(x, low));
  }

  /** The image of the byte whose nibbles were taken. */
  #mapped(map: Linear, p: string): Wat {
    const [low, high] = byNibble(map);
    return w.xor(w.lookUp(this.#table(low), get(`v_k${p}`)), w.lookUp(this.#table(high), get(`v_i${p}`)));
  }

  /** Inverts the bytes of `x`, as far as `io` and `jo`. */
  #invert(x: Wat, p: string): Wat[] {
    const [inverse, over] = [this.#table(INVERSE), this.#table(INVERSE_A)];
    const [i, j, k, ak] = ["i", "j", "k", "ak"].map((name) => get(`v_${name}${p}`)) as [Wat, Wat, Wat, Wat];
    return [
      this.#nibbles(x, p),
      w.set(`v_ak${p}`, w.lookUp(over, k)) + w.set(`v_j${p}`, w.xor(k, i)),
      w.set(`v_io${p}`, w.xor(w.lookUp(inverse, i), ak)) + w.set(`v_jo${p}`, w.xor(w.lookUp(inverse, j), ak)),
      w.set(`v_io${p}`, w.xor(w.lookUp(inverse, get(`v_io${p}`)), j)) +
      w.set(`v_jo${p}`, w.xor(w.lookUp(inverse, get(`v_jo${p}`)), i)),
    ];
  }

  #inverted(map: Linear, p: string): Wat {
    const [io, jo] = behindInversion(map);
    return w.xor(w.lookUp(this.#table(io), get(`v_io${p}`)), w.lookUp(this.#table(jo), get(`v_jo${p}`)));
  }

  /** Start, middle and last round, as steps that may be woven with others. `key` is where the round's key lies. */
  encryptFirst(x: string, key: Wat, p = ""): Wat[] {
    return [this.#nibbles(get(x), p), w.set(x, w.xor(this.#mapped(ENTRANCE, p), w.load(key)))];
  }

  encryptMiddle(x: string, key: Wat, p = ""): Wat[] {
    const times = (factor: number) => this.#inverted((byte) => represented(mul(factor, affine(byte))), p);
    const [s, t] = [get(`v_s${p}`), get(`v_t${p}`)];
    return [
      ...this.#invert(get(x), p),
      w.set(`v_s${p}`, times(1)) + w.set(`v_t${p}`, times(3)) + w.set(x, times(2)),
      w.set(
        x,
        w.xor(
          w.xor(this.#permuted(t, rows(1, 1)), w.xor(this.#permuted(s, rows(2, 1)), this.#permuted(s, rows(3, 1)))),
          w.xor(this.#permuted(get(x), rows(0, 1)), w.load(key)),
        ),
      ),
    ];
  }

  encryptLast(x: string, key: Wat, p = ""): Wat[] {
    return [
      ...this.#invert(get(x), p),
      w.set(x, w.xor(this.#permuted(this.#inverted(affine, p), rows(0, 1)), w.load(key))),
    ];
  }

  #decryptFirst(x: string, key: Wat, p: string): Wat[] {
    return [this.#nibbles(get(x), p), w.set(x, w.xor(this.#mapped(UNENTRANCE, p), w.load(key)))];
  }

  #decryptMiddle(x: string, key: Wat, p: string): Wat[] {
    const term = (factor: number, row: number) =>
      this.#permuted(this.#inverted((byte) => UNENTRANCE(mul(factor, byte)), p), rows(row, -1));
    return [
      ...this.#invert(get(x), p),
      w.set(x, w.xor(w.load(key), term(UNMIX[0]!, 0))),
      ...[1, 2, 3].map((row) => w.set(x, w.xor(get(x), term(UNMIX[row]!, row)))),
    ];
  }

  #decryptLast(x: string, key: Wat, p: string): Wat[] {
    return [
      ...this.#invert(get(x), p),
      w.set(x, w.xor(this.#permuted(this.#inverted((byte) => byte, p), rows(0, -1)), w.load(key))),
    ];
  }

  /** All rounds of one block or several; `i_key` is the schedule, `i_end` where its last round's key lies. */
  #rounds(decrypt: boolean, blocks: readonly string[]): Wat {
    const each = (steps: (x: string, p: string) => Wat[]) => {
      const lists = blocks.map((p) => steps(`v_x${p}`, p));
      return lists[0]!.map((_, step) => lists.map((list) => list[step]).join("")).join("");
    };
    const k = get("i_k");
    return each((x, p) => decrypt ? this.#decryptFirst(x, get("i_key"), p) : this.encryptFirst(x, get("i_key"), p)) +
      w.set("i_k", w.add(get("i_key"), w.i32(16))) +
      w.repeat(
        each((x, p) => decrypt ? this.#decryptMiddle(x, k, p) : this.encryptMiddle(x, k, p)) + w.increment("i_k", 16),
        w.less(k, get("i_end")),
      ) +
      each((x, p) => decrypt ? this.#decryptLast(x, k, p) : this.encryptLast(x, k, p));
  }

  /** `encrypt_block(key, end, block)`, `decrypt_block(key, end, block)`. */
  #block(decrypt: boolean): Wat {
    const body = this.#rounds(decrypt, [""]) + get("v_x");
    return w.fn(decrypt ? "decrypt_block" : "encrypt_block", ["i_key", "i_end", "v_x"], body, { result: "v128" });
  }

  /** `cbc_encrypt(key, end, at, blocks, iv)`: in place; returns the last block. */
  #cbcEncrypt(): Wat {
    const body = w.loop(
      get("i_n"),
      w.set("v_x", w.xor(get("v_x"), w.load(get("i_p")))) + this.#rounds(false, [""]) +
        w.store(get("i_p"), get("v_x")) + w.increment("i_p", 16) + w.increment("i_n", -1),
    );
    return w.fn("cbc_encrypt", ["i_key", "i_end", "i_p", "i_n", "v_x"], body + get("v_x"), { result: "v128" });
  }

  /** `cbc_decrypt(key, end, at, blocks, iv)`: in place; returns the last block of the ciphertext. */
  #cbcDecrypt(): Wat {
    const names = Array.from({ length: WAYS }, (_, i) => "abcdefgh"[i]!);
    const pass = (blocks: readonly string[]) =>
      blocks.map((p, i) => w.set(`v_x${p}`, w.load(get("i_p"), 16 * i))).join("") +
      this.#rounds(true, blocks) +
      w.set(`v_x${blocks[0]}`, w.xor(get(`v_x${blocks[0]}`), get("v_iv"))) +
      blocks.slice(1).map((p, i) => w.set(`v_x${p}`, w.xor(get(`v_x${p}`), w.load(get("i_p"), 16 * i)))).join("") +
      w.set("v_iv", w.load(get("i_p"), 16 * (blocks.length - 1))) +
      blocks.map((p, i) => w.store(get("i_p"), get(`v_x${p}`), 16 * i)).join("") +
      w.increment("i_p", 16 * blocks.length) + w.increment("i_n", -blocks.length);
    const body = w.loop(`(i32.ge_u ${get("i_n")} ${w.i32(WAYS)})`, pass(names)) + w.loop(get("i_n"), pass(["a"]));
    return w.fn("cbc_decrypt", ["i_key", "i_end", "i_p", "i_n", "v_iv"], body + get("v_iv"), { result: "v128" });
  }

  /** Stores round key `v_q` of round `i_r`: for encryption at its place, for decryption at the place counted from the end. */
  #keepRoundKey(): Wat {
    const entrance = this.#nibbles(get("v_y"), "") + w.set("v_y", this.#mapped(ENTRANCE, ""));
    const constant = this.#table(splat(SBOX_CONSTANT));
    const [first, last] = [`(i32.eqz ${get("i_r")})`, `(i32.eq ${get("i_r")} ${get("i_rounds")})`];
    const at = w.add(get("i_out"), w.shl(get("i_r"), 4));
    const back = w.add(get("i_out"), w.shl(w.sub(get("i_rounds"), get("i_r")), 4));
    const unmixed = (row: number) => this.#mapped((byte) => UNENTRANCE(mul(UNMIX[row]!, byte)), "");
    const rotated = this.#permuted(get("v_y"), rows(1, 0));
    return w.set("v_y", get("v_q")) +
      w.when(
        get("i_decrypt"),
        w.when(`(i32.eqz ${first})`, w.set("v_y", w.xor(get("v_y"), constant)) + this.#nibbles(get("v_y"), "")) +
          w.when(
            last,
            w.set("v_y", this.#mapped(UNENTRANCE, "")),
            w.when(
              get("i_r"),
              w.set("v_y", unmixed(3)) + [2, 1, 0].map((row) => w.set("v_y", w.xor(rotated, unmixed(row)))).join(""),
            ),
          ) +
          w.store(back, get("v_y")),
        w.when(get("i_r"), w.set("v_y", w.xor(get("v_y"), constant))) +
          w.when(`(i32.eqz ${last})`, entrance) + w.store(at, get("v_y")),
      );
  }

  /** `expand(key, out, rounds, decrypt)`: the key schedule (FIPS 197 section 5.2), four words at a time. */
  #expand(): Wat {
    const lastWord = (rotate: number) => Array.from({ length: 16 }, (_, i) => 12 + ((i + rotate) & 3));
    const [rotated, plain] = [1, 0].map((rotate) => this.#constants.place(lastWord(rotate)));
    const long = get("i_long");
    const shifted = (bytes: number) =>
      w.shuffle(get("v_p"), w.ZERO, Array.from({ length: 16 }, (_, i) => i < bytes ? 16 : i - bytes));
    const next =
      // The last word, rotated in every round of 128 bits and in every other one of 256, through the S-box.
      w.set("i_turn", `(i32.eqz (i32.and ${long} ${get("i_r")}))`) +
      w.set("v_y", w.lookUp(get("v_q"), w.load(w.select(get("i_turn"), w.i32(rotated!), w.i32(plain!))))) +
      this.#nibbles(get("v_y"), "") + w.set("v_y", this.#mapped(ENTRANCE, "")) +
      this.#invert(get("v_y"), "").join("") +
      w.set("v_y", w.xor(this.#inverted(affine, ""), this.#table(splat(SBOX_CONSTANT)))) +
      w.when(
        get("i_turn"),
        w.set("v_y", w.xor(get("v_y"), `(i32x4.splat ${get("i_rcon")})`)) +
          w.set(
            "i_rcon",
            `(i32.xor (i32.shl ${get("i_rcon")} (i32.const 1)) (i32.mul ${w.shr(get("i_rcon"), 7)} (i32.const 283)))`,
          ),
      ) +
      w.set("v_p", w.xor(get("v_p"), shifted(4))) + w.set("v_p", w.xor(get("v_p"), shifted(8))) +
      w.set("v_y", w.xor(get("v_p"), get("v_y"))) +
      w.set("v_p", w.select(long, get("v_q"), get("v_y"))) + w.set("v_q", get("v_y"));
    const keep = this.#keepRoundKey();
    const body = w.set("i_rcon", w.i32(1)) + w.set("i_long", `(i32.eq ${get("i_rounds")} ${w.i32(14)})`) +
      w.set("v_q", w.load(get("i_in"))) + w.set("v_p", get("v_q")) + w.set("i_r", w.i32(0)) +
      w.repeat(
        keep + w.increment("i_r", 1) +
          w.when(
            `(i32.and ${long} (i32.eq ${get("i_r")} ${w.i32(1)}))`,
            w.set("v_q", w.load(get("i_in"), 16)),
            next,
          ),
        w.less(get("i_r"), get("i_rounds")),
      ) + keep;
    return w.fn("expand", ["i_in", "i_out", "i_rounds", "i_decrypt"], body);
  }

  /** All functions. */
  functions(): Wat {
    return this.#block(false) + this.#block(true) + this.#cbcEncrypt() + this.#cbcDecrypt() + this.#expand();
  }
}
