/**
 * Sealing, opening and signing of whole messages (RFC 3962 section 5, RFC 8009 section 5), in place, and derivation of their keys.
 *
 * @module
 */
import {
  CONSTANTS,
  CONTEXT,
  DATA,
  DIGEST,
  ENCRYPTION_KEY,
  INNER,
  INTEGRITY_KEY,
  PROTOCOL_KEY,
  SCRATCH,
  SLACK,
  STATE,
  Use,
} from "../layout.ts";
import { copyState, finishMac, hmacFunctions, tagLength } from "./hmac.ts";
import * as w from "./wat.ts";
import { get, type Wat } from "./wat.ts";

const et = get("i_et");
const sha1: Wat = w.less(et, w.i32(19));
const [p, length, q] = ["i_p", "i_length", "i_q"].map(get) as [Wat, Wat, Wat];
const key: Wat = w.i32(CONTEXT);
const rounds: Wat = w.select(w.bits(et, 1), w.i32(10), w.i32(14));
/** Where the key of the last round lies. */
const setEnd: Wat = w.set("i_end", w.add(key, w.shl(rounds, 4)));
const end = get("i_end");
const wholeBlocks = (bytes: Wat): Wat => w.shr(w.add(bytes, w.i32(15)), 4);
/** Where the last two blocks of the message begin. */
const setLastTwo: Wat = w.set("i_q", w.add(p, w.shl(w.sub(wholeBlocks(length), w.i32(2)), 4)));
const moreThanBlock: Wat = `(i32.gt_u ${length} ${w.i32(16)})`;

/** Ciphertext stealing: the last two blocks of CBC change places; what is behind `length` is not used. */
const swapLastTwo: Wat = w.when(
  moreThanBlock,
  setLastTwo + w.set("v_t", w.load(q)) + w.store(q, w.load(q, 16)) + w.store(q, get("v_t"), 16),
);
const putTag = (at: Wat): Wat => w.store(at, w.load(w.i32(DIGEST))) + w.store(at, w.load(w.i32(DIGEST), 16), 16);

/** Whether the tag at `at` is another than the one at DIGEST, in a time that does not depend on where. */
function differs(at: Wat): Wat {
  const half = (offset: number) =>
    w.and(
      w.xor(w.load(w.i32(DIGEST), offset), w.load(at, offset)),
      w.firstBytes(offset === 0 ? tagLength : w.sub(tagLength, w.i32(offset))),
    );
  return `(v128.any_true (v128.or ${half(0)} ${half(16)}))`;
}

/** The code of the SHA-2 enctypes covers the cipher state too, 16 zeros, which lie where the token's header does meanwhile. */
const macWithState: Wat = w.set("v_h", w.load(w.sub(p, w.i32(16)))) + w.store(w.sub(p, w.i32(16)), w.ZERO) +
  w.call("mac", et, w.sub(p, w.i32(16)), w.add(length, w.i32(16))) + w.store(w.sub(p, w.i32(16)), get("v_h"));

/** `seal(enctype, at, length)`: `confounder | message` becomes `ciphertext | tag`. */
function seal(): Wat {
  const tailAt = w.add(p, w.shl(get("i_n"), 6));
  const rest = w.sub(length, w.shl(get("i_n"), 6));
  const body = setEnd + w.store(w.add(p, length), w.ZERO) + w.set("v_x", w.ZERO) +
    w.when(
      sha1,
      copyState(w.i32(STATE), w.i32(CONTEXT + INNER)) + w.set("i_n", w.shr(length, 6)) +
        w.set("v_x", w.call("weave", key, end, w.i32(STATE), p, get("i_n"), get("v_x"))) +
        finishMac(tailAt, rest, length) +
        w.set("v_x", w.call("cbc_encrypt", key, end, tailAt, wholeBlocks(rest), get("v_x"))) + swapLastTwo,
      w.set("v_x", w.call("cbc_encrypt", key, end, p, wholeBlocks(length), get("v_x"))) + swapLastTwo + macWithState,
    ) + putTag(w.add(p, length));
  return w.fn("seal", ["i_et", "i_p", "i_length"], body, { exported: true });
}

/** `cts_decrypt(enctype, at, length)`: leaves what is behind `length` as it is. */
function ctsDecrypt(): Wat {
  // X is the swapped block decrypted: its start is the last plaintext, less the stolen bytes; its end is what the padding stole.
  const stolen = w.sub(length, w.add(w.sub(q, p), w.i32(16)));
  const body = setEnd + w.when(
    moreThanBlock,
    setLastTwo + w.set("v_iv", w.call("cbc_decrypt", key, end, p, w.shr(w.sub(q, p), 4), w.ZERO)) +
      w.set("v_x", w.call("decrypt_block", key, end, w.load(q))) + w.set("v_s", w.load(q, 16)) +
      w.set("v_m", w.firstBytes(stolen)) +
      w.store(
        q,
        w.xor(
          w.call("decrypt_block", key, end, `(v128.bitselect ${get("v_s")} ${get("v_x")} ${get("v_m")})`),
          get("v_iv"),
        ),
      ) +
      w.store(q, `(v128.bitselect ${w.xor(get("v_x"), get("v_s"))} ${get("v_s")} ${get("v_m")})`, 16),
    w.store(p, w.call("decrypt_block", key, end, w.load(p))),
  );
  return w.fn("cts_decrypt", ["i_et", "i_p", "i_length"], body);
}

/** `open(enctype, at, length)`: `ciphertext | tag` becomes `confounder | message`; 1 if it is not genuine. `length` is without the tag. */
function open(): Wat {
  const decrypt = w.call("cts_decrypt", et, p, length);
  const body = w.when(
    sha1,
    decrypt + w.call("mac", et, p, length) + `(return ${differs(w.add(p, length))})`,
  ) +
    // Checked before anything is decrypted.
    macWithState + w.when(differs(w.add(p, length)), `(return ${w.i32(1)})`) + decrypt + w.i32(0);
  return w.fn("open", ["i_et", "i_p", "i_length"], body, { result: "i32", exported: true });
}

/** `sign(enctype, at, length, to)` puts the tag; `verify(enctype, at, length, tag)` gives 1 if it is another. */
function sign(): Wat {
  const code = w.call("mac", et, p, length);
  const params = ["i_et", "i_p", "i_length", "i_to"];
  return w.fn("sign", params, code + putTag(get("i_to")), { exported: true }) +
    w.fn("verify", params, code + differs(get("i_to")), { result: "i32", exported: true });
}

/**
 * `prepare(enctype, use)`: expands the protocol key into the context by way of the keys of a usage. By DK (RFC 3961 section 5.3) the
 * constants are the folded ones, by KDF-HMAC-SHA2 (RFC 8009 section 3) the 14 bytes that are hashed.
 */
function prepare(): Wat {
  const protocol = w.i32(PROTOCOL_KEY);
  const encrypted = (block: Wat) => w.call("encrypt_block", key, end, block);
  const dk = (constant: number, to: number) =>
    w.set("v_x", encrypted(w.load(w.i32(constant)))) + w.store(w.i32(to), get("v_x")) +
    w.when(`(i32.eqz ${w.bits(et, 1)})`, w.store(w.i32(to), encrypted(get("v_x")), 16));
  const kdf = (constant: number, to: number, bytes: Wat) =>
    w.call("mac", et, w.i32(constant), w.i32(14)) +
    [0, 16].map((offset) =>
      w.store(w.i32(to), w.and(w.load(w.i32(DIGEST), offset), w.firstBytes(w.sub(bytes, w.i32(offset)))), offset)
    ).join("");
  const sealing = `(i32.ne ${get("i_use")} ${w.i32(Use.Sign)})`;
  const body = setEnd + w.when(
    sha1,
    w.call("expand", protocol, key, rounds, w.i32(0)) +
      dk(CONSTANTS, INTEGRITY_KEY) + w.when(sealing, dk(CONSTANTS + 16, ENCRYPTION_KEY)),
    w.call("mac_key", et, protocol) + kdf(CONSTANTS, INTEGRITY_KEY, tagLength) +
      w.when(sealing, kdf(CONSTANTS + 16, ENCRYPTION_KEY, w.i32(32))),
  ) +
    w.when(
      sealing,
      w.call("expand", w.i32(ENCRYPTION_KEY), key, rounds, `(i32.eq ${get("i_use")} ${w.i32(Use.Open)})`),
    ) +
    w.call("mac_key", et, w.i32(INTEGRITY_KEY));
  return w.fn("prepare", ["i_et", "i_use"], body, { exported: true });
}

/** `wipe(length)`: leaves nothing of a call whose message, header and all, had `length` bytes. */
const wipe = (): Wat =>
  w.fn(
    "wipe",
    ["i_length"],
    `(memory.fill ${w.i32(SCRATCH)} (i32.const 0) ${w.add(length, w.i32(DATA - SCRATCH + SLACK))})\n`,
    { exported: true },
  );

/** All functions. */
export const tokenFunctions = (constants: w.Constants): Wat =>
  hmacFunctions(constants) + ctsDecrypt() + seal() + open() + sign() + prepare() + wipe();
