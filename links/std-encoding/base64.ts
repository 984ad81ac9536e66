/**
 * Stand-in for `@std/encoding/base64`, see ../README.md.
 *
 * @module
 */

/** Base64 text of the bytes (RFC 4648 section 4). */
export function encodeBase64(data: ArrayBuffer | Uint8Array | string): string {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The bytes of Base64 text. */
export function decodeBase64(b64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(b64), (character) => character.charCodeAt(0));
}
