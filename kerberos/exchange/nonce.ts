/**
 * Nonces of requests.
 *
 * @module
 */
import { randomUint32, type Runtime } from "../../base/runtime.ts";

/** Returns a nonce that every implementation accepts: 31 bits, so that none reads it as negative (RFC 4120 section 5.4.1). */
export function randomNonce(runtime: Runtime): number {
  return randomUint32(runtime) & 0x7fffffff;
}
