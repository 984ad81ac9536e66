/**
 * Texts in UTF-16, little-endian, as a PAC has them.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";

const DECODER = new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true });

/**
 * Returns the text of bytes; different bytes give different texts.
 *
 * @throws {KerberosError} `BAD_MESSAGE` when they are not UTF-16.
 */
export function utf16Text(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch (cause) {
    throw new KerberosError("BAD_MESSAGE", "a text is not UTF-16", { cause });
  }
}

/** Returns the bytes of a text. */
export function utf16Bytes(text: string): Bytes {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), true);
  return bytes;
}
