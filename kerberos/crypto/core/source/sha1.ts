/**
 * SHA-1 (FIPS 180-4), and SHA-1 woven into CBC encryption of the same bytes: a block cipher in CBC mode waits for each of its results, and
 * the hash runs meanwhile on units that the cipher does not use, so that it takes no time of its own.
 *
 * @module
 */
import type { Aes } from "./aes.ts";
import { SCHEDULE } from "../layout.ts";
import * as w from "./wat.ts";
import { get, type Wat } from "./wat.ts";

/** The first 32 bits of the square roots of 2, 3, 5 and 10, over 4. */
const ADDENDS = [2, 3, 5, 10].map((n) => Math.floor(Math.sqrt(n) * 2 ** 30));
const BIG_ENDIAN = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
const WORDS = "abcde".split("");
const QUARTERS = [0, 1, 2, 3];

const rotate = (x: Wat, by: number): Wat => `(i32.rotl ${x} ${w.i32(by)})`;
const rotateAll = (x: Wat, by: number): Wat =>
  `(v128.or (i32x4.shl ${x} ${w.i32(by)}) (i32x4.shr_u ${x} ${w.i32(32 - by)}))`;
const places = (from: number, count = 16): number[] => Array.from({ length: count }, (_, i) => from + i);

/** Words 4i to 4i + 3 of the message schedule, with the addend of their rounds, into memory. The last 32 words stay in variables. */
function schedule(i: number): Wat {
  const name = `v_w${i % 8}`;
  const before = (n: number) => get(`v_w${(i - n) % 8}`);
  let words: Wat;
  if (i < 4) words = w.set(name, w.load(get("i_p"), 16 * i)) + w.set(name, w.shuffle(get(name), get(name), BIG_ENDIAN));
  else if (i < 8) {
    // The last of the four words needs the first one, one rotation further.
    const three = w.shuffle(before(1), w.ZERO, [...places(4, 12), 16, 16, 16, 16]);
    words = w.set("v_u", w.xor(w.shuffle(before(4), before(3), places(8)), before(4), three, before(2))) +
      w.set("v_z", w.shuffle(w.ZERO, get("v_u"), [...places(0, 12), ...places(16, 4)])) +
      w.set(name, w.xor(rotateAll(get("v_u"), 1), rotateAll(get("v_z"), 2)));
  } else {
    // The same recurrence, twice: no word needs another of its four.
    words = w.set("v_u", w.xor(w.shuffle(before(2), before(1), places(8)), before(4), before(7), get(name))) +
      w.set(name, rotateAll(get("v_u"), 2));
  }
  const addend = `(v128.const i32x4 ${splat(ADDENDS[Math.floor(i / 5)]!)})`;
  return words + w.store(w.i32(SCHEDULE), `(i32x4.add ${get(name)} ${addend})`, 16 * i);
}

const splat = (word: number): string => new Array<number>(4).fill(word | 0).join(" ");

/** The five words of the schedule of a quarter. */
const quarterSchedule = (quarter: number): Wat => [0, 1, 2, 3, 4].map((i) => schedule(5 * quarter + i)).join("");

/** Round `n`, whose word lies `offset` bytes behind the start of the schedule; after five, each variable is in its place again. */
function round(n: number, offset: Wat): Wat {
  const [a, b, c, d, e] = WORDS.map((_, i) => `i_${WORDS[(i + 80 - n) % 5]}`) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const cd = `(i32.xor ${get(c)} ${get(d)})`;
  const base = w.add(get(e), `(i32.load offset=${SCHEDULE + 4 * n} ${offset})`);
  const sum = [
    () => w.add(base, `(i32.xor ${get(d)} (i32.and ${get(b)} ${cd}))`),
    () => w.add(base, `(i32.xor ${get(b)} ${cd})`),
    () => w.add(w.add(base, `(i32.and ${get(c)} ${get(d)})`), `(i32.and ${get(b)} ${cd})`),
    () => w.add(base, `(i32.xor ${get(b)} ${cd})`),
  ][Math.floor(n / 20)]!();
  return w.set(e, w.add(sum, rotate(get(a), 5))) + w.set(b, rotate(get(b), 30));
}

/** The first five rounds of a quarter; `i_g` makes them any five. */
const fiveRounds = (quarter: number): Wat[] => [0, 1, 2, 3, 4].map((n) => round(20 * quarter + n, get("i_g")));

/** A quarter: `meanwhile` is done by turns with each five rounds. */
const quarterRounds = (meanwhile: Wat): Wat =>
  w.set("i_g", w.i32(0)) + w.repeat(meanwhile + w.increment("i_g", 20), w.less(get("i_g"), w.i32(80)));

/** Blocks of 64 bytes while `i_n` lasts, with the rounds of each. */
function blocks(rounds: Wat): Wat {
  const each = (text: (word: string, i: number) => Wat) => WORDS.map(text).join("");
  return each((word, i) => w.set(`i_h${word}`, `(i32.load offset=${4 * i} ${get("i_state")})`)) +
    w.loop(
      get("i_n"),
      each((word) => w.set(`i_${word}`, get(`i_h${word}`))) + rounds +
        each((word) => w.set(`i_h${word}`, w.add(get(`i_h${word}`), get(`i_${word}`)))) +
        w.increment("i_p", 64) + w.increment("i_n", -1),
    ) +
    each((word, i) => `(i32.store offset=${4 * i} ${get("i_state")} ${get(`i_h${word}`)})\n`);
}

/** `sha1(state, at, blocks)`: rounds by turns with the words of later ones, so that neither waits for the other. */
export function sha1(): Wat {
  let rounds = [0, 1, 2, 3].map(schedule).join("");
  for (let n = 0; n < 80; n++) rounds += round(n, w.i32(0)) + (n % 4 === 0 && n < 64 ? schedule(n / 4 + 4) : "");
  return w.fn("sha1", ["i_state", "i_p", "i_n"], blocks(rounds));
}

/**
 * `weave(key, end, state, at, blocks, iv)`: encrypts blocks of 64 bytes in place and hashes what they were; returns the last block. A
 * quarter of the hash goes with each block of the cipher: every five of its rounds with two rounds of a key of 128 bits, or with three of
 * 256; one more and the last follow.
 */
export function weave(aes: Aes): Wat {
  const k = get("i_k");
  const middle = () => [...aes.encryptMiddle("v_x", k), w.increment("i_k", 16)];
  const quarters = QUARTERS.map((q) => {
    const rounds = fiveRounds(q);
    const two = [...middle(), ...middle()];
    // Spread: the cipher's steps are the longer chain.
    const spread = two.map((step, i) => step + (i % 3 === 2 ? rounds.splice(0, 1).join("") : "")).join("");
    return quarterSchedule(q) +
      w.set("v_x", w.xor(get("v_x"), w.load(get("i_p"), 16 * q))) + aes.encryptFirst("v_x", get("i_key")).join("") +
      w.set("i_k", w.add(get("i_key"), w.i32(16))) +
      quarterRounds(spread + rounds.join("") + w.when(get("i_long"), middle().join(""))) +
      middle().join("") + aes.encryptLast("v_x", k).join("") + w.store(get("i_p"), get("v_x"), 16 * q);
  });
  const long = w.set("i_long", `(i32.gt_u ${w.sub(get("i_end"), get("i_key"))} ${w.i32(160)})`);
  const body = long + blocks(quarters.join("")) + get("v_x");
  return w.fn("weave", ["i_key", "i_end", "i_state", "i_p", "i_n", "v_x"], body, { result: "v128" });
}
