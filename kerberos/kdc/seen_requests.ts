/**
 * Authenticators that a ticket-granting service has seen (RFC 4120 section 3.3.2): the same request may come again, another
 * one with the same authenticator may not.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { webCrypto } from "../crypto/primitives/web.ts";

/** Authenticators remembered; with more, the oldest are forgotten. */
const CAPACITY = 10_000;

/** Requests by authenticator, both by their digests. An authenticator is told by its ciphertext, which no other one has. */
export class SeenRequests {
  readonly #seen = new Map<string, string>();

  /** Whether another request has come with this authenticator. */
  isReplay(authenticator: string, request: string): boolean {
    const known = this.#seen.get(authenticator);
    return known !== undefined && known !== request;
  }

  /** Remembers a request that has been found genuine. */
  remember(authenticator: string, request: string): void {
    this.#seen.set(authenticator, request);
    if (this.#seen.size > CAPACITY) this.#seen.delete(this.#seen.keys().next().value!);
  }
}

/** What bytes are told by. */
export async function digestOf(bytes: Bytes): Promise<string> {
  return (await webCrypto.digest("SHA-256", bytes)).join();
}
