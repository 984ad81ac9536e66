/**
 * Authenticators that a ticket-granting service has seen (RFC 4120 section 3.3.2): a request may be repeated, but another
 * request may not use its authenticator.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { webCrypto } from "../crypto/primitives/web.ts";

/** At most this many authenticators are remembered; beyond it the oldest is forgotten. */
const CAPACITY = 10_000;

/** Requests by authenticator. Both are identified by digests, an authenticator by that of its ciphertext, which is unique. */
export class SeenRequests {
  readonly #seen = new Map<string, string>();

  /** Whether another request has come with this authenticator. */
  isReplay(authenticator: string, request: string): boolean {
    const known = this.#seen.get(authenticator);
    return known !== undefined && known !== request;
  }

  /** Remembers a genuine request. */
  remember(authenticator: string, request: string): void {
    this.#seen.set(authenticator, request);
    if (this.#seen.size > CAPACITY) this.#seen.delete(this.#seen.keys().next().value!);
  }
}

/** Returns a digest of bytes as a map key. */
export async function digestOf(bytes: Bytes): Promise<string> {
  return (await webCrypto.digest("SHA-256", bytes)).join();
}
