/**
 * HMAC (RFC 2104) with the hash of an enctype. Keys are at most a block long, padded with zeros.
 *
 * @module
 */
import { CONTEXT, DIGEST, INNER, OUTER, STATE, TAIL } from "../layout.ts";
import { INITIAL } from "./sha2.ts";
import * as w from "./wat.ts";
import { get, type Wat } from "./wat.ts";

const et = get("i_et");
/** The one of three values that is the enctype's: SHA-1 (17 and 18), SHA-256 (19), SHA-384 (20). */
const byHash = (sha1: Wat, sha256: Wat, sha384: Wat): Wat =>
  w.select(w.less(et, w.i32(19)), sha1, w.select(`(i32.eq ${et} ${w.i32(19)})`, sha256, sha384));
/** Bytes of a tag. */
export const tagLength: Wat = byHash(w.i32(12), w.i32(16), w.i32(24));
const digestLength: Wat = byHash(w.i32(20), w.i32(32), w.i32(48));
const long: Wat = `(i32.eq ${et} ${w.i32(20)})`;
/** Bytes of a block, and the number of which they are a power of two. */
const block: Wat = w.select(long, w.i32(128), w.i32(64));
const blockBits: Wat = w.select(long, w.i32(7), w.i32(6));

/** `hash(enctype, state, at, blocks)`. */
function hash(): Wat {
  const args = [get("i_state"), get("i_p"), get("i_n")];
  const body = w.when(
    w.less(et, w.i32(19)),
    w.call("sha1", ...args),
    w.when(long, w.call("sha512", ...args), w.call("sha256", ...args)),
  );
  return w.fn("hash", ["i_et", "i_state", "i_p", "i_n"], body);
}

/** Copies 64 bytes. */
export const copyState = (to: Wat, from: Wat): Wat =>
  [0, 16, 32, 48].map((offset) => w.store(to, w.load(from, offset), offset)).join("");

/** `finish(enctype, at, rest, length)`: hashes the last `rest` bytes of `length`, padded; the result is at DIGEST. */
function finish(constants: w.Constants): Wat {
  const reverse = (size: number) => constants.place(Array.from({ length: 16 }, (_, i) => i ^ (size - 1)));
  const bits = get("i_bits");
  const swapped = `(i32.or ${w.bits(`(i32.rotl ${bits} ${w.i32(8)})`, 0x00ff00ff)} ${
    w.bits(`(i32.rotr ${bits} ${w.i32(8)})`, 0xff00ff00)
  })`;
  // A vector of the tail at a time: what is hashed, a one, zeros.
  const left = w.sub(get("i_rest"), get("i_at"));
  const body = w.set("i_n", w.select(w.less(get("i_rest"), w.sub(block, w.shr(block, 3))), w.i32(1), w.i32(2))) +
    w.set("i_end", `(i32.shl ${get("i_n")} ${blockBits})`) + w.set("i_at", w.i32(0)) +
    w.repeat(
      w.set("i_left", left) +
        w.set("i_left", w.select(`(i32.lt_s ${get("i_left")} ${w.i32(-1)})`, w.i32(-1), get("i_left"))) +
        w.set("i_left", w.select(`(i32.gt_s ${get("i_left")} ${w.i32(16)})`, w.i32(16), get("i_left"))) +
        w.set("v_m", w.firstBytes(get("i_left"))) +
        w.set("v_t", w.and(w.load(w.add(get("i_p"), get("i_at"))), get("v_m"))) +
        w.set("v_u", w.xor(w.firstBytes(w.add(get("i_left"), w.i32(1))), get("v_m"))) +
        w.store(
          get("i_at"),
          `(v128.or ${get("v_t")} ${w.and(get("v_u"), `(i8x16.splat ${w.i32(0x80)})`)})`,
          TAIL,
        ) + w.increment("i_at", 16),
      w.less(get("i_at"), get("i_end")),
    ) +
    w.set("i_bits", w.shl(get("i_length"), 3)) +
    `(i32.store offset=${TAIL - 4} ${get("i_end")} ${swapped})\n` +
    w.call("hash", et, w.i32(STATE), w.i32(TAIL), get("i_n")) +
    w.set("v_m", w.load(w.select(long, w.i32(reverse(8)), w.i32(reverse(4))))) +
    [0, 16, 32, 48].map((offset) => w.store(w.i32(DIGEST), w.lookUp(w.load(w.i32(STATE), offset), get("v_m")), offset))
      .join("");
  return w.fn("finish", ["i_et", "i_p", "i_rest", "i_length"], body);
}

/** The rest of a code whose inner hash is in STATE: of `rest` bytes at `at`, of `length` in all. */
export const finishMac = (at: Wat, rest: Wat, length: Wat): Wat =>
  w.call("finish", et, at, rest, w.add(length, block)) +
  copyState(w.i32(STATE), w.i32(CONTEXT + OUTER)) +
  w.call("finish", et, w.i32(DIGEST), digestLength, w.add(block, digestLength));

/** `mac(enctype, at, length)`: the code under the expanded key is at DIGEST. */
function mac(): Wat {
  const whole = `(i32.shl ${get("i_n")} ${blockBits})`;
  const body = copyState(w.i32(STATE), w.i32(CONTEXT + INNER)) +
    w.set("i_n", `(i32.shr_u ${get("i_length")} ${blockBits})`) +
    w.call("hash", et, w.i32(STATE), get("i_p"), get("i_n")) +
    finishMac(w.add(get("i_p"), whole), w.sub(get("i_length"), whole), get("i_length"));
  return w.fn("mac", ["i_et", "i_p", "i_length"], body);
}

/** `mac_key(enctype, at)`: absorbs a key, padded with zeros to a block, into the context. */
function macKey(constants: w.Constants): Wat {
  const [sha1, sha256, sha384] = [INITIAL["SHA-1"], INITIAL["SHA-256"], INITIAL["SHA-384"]].map((state) =>
    w.i32(constants.place(state))
  ) as [Wat, Wat, Wat];
  const half = (pad: number, to: number) => {
    const pads = Array.from(
      { length: 8 },
      (_, i) => w.store(w.i32(TAIL), w.xor(w.load(get("i_p"), 16 * i), `(i8x16.splat ${w.i32(pad)})`), 16 * i),
    );
    return pads.join("") + copyState(w.i32(CONTEXT + to), byHash(sha1, sha256, sha384)) +
      w.call("hash", et, w.i32(CONTEXT + to), w.i32(TAIL), w.i32(1));
  };
  return w.fn("mac_key", ["i_et", "i_p"], half(0x36, INNER) + half(0x5c, OUTER));
}

/** All functions. */
export const hmacFunctions = (constants: w.Constants): Wat => hash() + finish(constants) + mac() + macKey(constants);
