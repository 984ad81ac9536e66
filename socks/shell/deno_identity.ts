/**
 * Checks certificates and keys through Deno.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import type { TlsIdentity } from "../stream/tls.ts";

/**
 * Checks a certificate and its key. Deno validates them only when it uses them, so this creates a client.
 *
 * @throws {TypeError} The certificate or the key is invalid, or they do not belong together.
 */
export function denoCheckIdentity({ cert, key }: TlsIdentity): void {
  try {
    Deno.createHttpClient({ cert, key }).close();
  } catch (cause) {
    const reason = reasonText(cause);
    throw new TypeError(`Cannot use certificate and key for TLS: ${reason}`, { cause });
  }
}
