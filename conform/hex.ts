/**
 * Bytes for reports.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";

/** Most bytes that are shown of a message. */
const SHOWN = 48;

/** The bytes in hexadecimal; of a long message its beginning, and how long it is. */
export function shown(bytes: Uint8Array): string {
  if (bytes.length === 0) return "no byte";
  const text = encodeHex(bytes.subarray(0, SHOWN)).replace(/..(?=.)/g, "$& ");
  return bytes.length > SHOWN ? `${text} ... (${bytes.length} bytes)` : text;
}
