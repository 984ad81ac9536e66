/**
 * Bytes for reports, and bytes among others.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { sameBytes } from "../base/bytes.ts";

/** Most bytes that are shown of a message. */
const SHOWN = 48;

/** The bytes in hexadecimal; of a long message its beginning, and how long it is. */
export function shown(bytes: Uint8Array): string {
  if (bytes.length === 0) return "no byte";
  const text = encodeHex(bytes.subarray(0, SHOWN)).replace(/..(?=.)/g, "$& ");
  return bytes.length > SHOWN ? `${text} ... (${bytes.length} bytes)` : text;
}

/** Whether bytes stand somewhere in others. */
export function contains(all: Uint8Array, part: Uint8Array): boolean {
  for (let at = all.indexOf(part[0]!); at >= 0; at = all.indexOf(part[0]!, at + 1)) {
    if (sameBytes(all.subarray(at, at + part.length), part)) return true;
  }
  return false;
}
