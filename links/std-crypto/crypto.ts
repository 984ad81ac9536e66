/**
 * Stand-in for `@std/crypto/crypto`, see ../README.md: the one digest used here that WebCrypto lacks, MD5 (RFC 1321).
 *
 * @module
 */

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) >>> 0);

/** RFC 1321 section 3. */
function md5(message: Uint8Array): ArrayBuffer {
  const padded = new Uint8Array(((message.length + 8) >>> 6) * 64 + 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, (message.length << 3) >>> 0, true);
  view.setUint32(padded.length - 4, Math.floor(message.length / 2 ** 29), true);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let offset = 0; offset < padded.length; offset += 64) md5Block(view, offset, state);
  const out = new DataView(new ArrayBuffer(16));
  state.forEach((word, i) => out.setUint32(4 * i, word, true));
  return out.buffer;
}

/** RFC 1321 section 3.4: four rounds of sixteen steps over one 64-byte block. */
function md5Block(view: DataView, offset: number, state: number[]): void {
  let [a, b, c, d] = state as [number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const round = i >>> 4;
    let mixed: number;
    let word: number;
    if (round === 0) [mixed, word] = [(b & c) | (~b & d), i];
    else if (round === 1) [mixed, word] = [(b & d) | (c & ~d), (5 * i + 1) & 15];
    else if (round === 2) [mixed, word] = [b ^ c ^ d, (3 * i + 5) & 15];
    else [mixed, word] = [c ^ (b | ~d), (7 * i) & 15];
    const sum = (a + mixed + SINES[i]! + view.getUint32(offset + 4 * word, true)) >>> 0;
    const shift = SHIFTS[4 * round + (i & 3)]!;
    [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) >>> 0];
  }
  [a, b, c, d].forEach((word, i) => state[i] = (state[i]! + word) >>> 0);
}

/** The part of std's extended crypto object that is used here. */
export interface StdCrypto {
  /** Digests beyond WebCrypto's. */
  readonly subtle: {
    /** Digest of `data`; `MD5` only. */
    digestSync(algorithm: "MD5", data: BufferSource): ArrayBuffer;
  };
}

/** The part of std's extended crypto object that is used here. */
export const crypto: StdCrypto = {
  subtle: {
    digestSync(algorithm: "MD5", data: BufferSource): ArrayBuffer {
      if (algorithm !== "MD5") throw new TypeError(`Cannot compute digest: "${algorithm}" is not in this stand-in`);
      return md5(
        ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data),
      );
    },
  },
};
