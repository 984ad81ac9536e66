/**
 * Stand-in for `@std/encoding/hex`, see ../README.md.
 *
 * @module
 */

/** Lower-case hexadecimal text of the bytes. */
export function encodeHex(src: string | Uint8Array | ArrayBuffer): string {
  const bytes = typeof src === "string" ? new TextEncoder().encode(src) : new Uint8Array(src);
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/**
 * The bytes of hexadecimal text.
 *
 * @throws {RangeError} When the text is of odd length or holds another character.
 */
export function decodeHex(src: string): Uint8Array<ArrayBuffer> {
  if (src.length % 2 !== 0) throw new RangeError("Cannot decode hex: the text is of odd length");
  if (!/^[0-9a-fA-F]*$/.test(src)) throw new RangeError("Cannot decode hex: the text holds another character");
  const out = new Uint8Array(src.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = parseInt(src.slice(2 * i, 2 * i + 2), 16);
  return out;
}
