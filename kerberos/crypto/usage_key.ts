/**
 * The derived keys of one key usage, and the operations that use them (RFC 3961 sections 3 and 4).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import { paddedLength } from "./aes_cts.ts";
import { acquireScratch, releaseScratch } from "./primitives/scratch.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import type { EncryptionProfile, UsageKeys } from "./profile.ts";

/** Options of {@linkcode UsageKey.seal}. */
export interface SealOptions {
  /** Memory for the result, exactly of its length. @default {fresh memory} */
  readonly into?: Bytes | undefined;
  /** Randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

/**
 * The derived keys of one key usage. Results are synchronous if the primitives are.
 *
 * @internal
 */
export class UsageKey implements Disposable {
  readonly #profile: EncryptionProfile;
  readonly #keys: UsageKeys;

  constructor(profile: EncryptionProfile, keys: UsageKeys) {
    this.#profile = profile;
    this.#keys = keys;
  }

  /** Seals the concatenated parts as one message (RFC 3961 section 3, encrypt). */
  seal(parts: readonly Uint8Array[], options: SealOptions = {}): Eventually<Bytes> {
    const { into, runtime = systemRuntime } = options;
    const { confounderLength, checksumLength } = this.#profile;
    const length = parts.reduce((sum, part) => sum + part.length, confounderLength);
    const whole = paddedLength(length);
    const scratch = acquireScratch(whole);
    runtime.fillRandom(scratch.subarray(0, confounderLength));
    let at = confounderLength;
    for (const part of parts) {
      scratch.set(part, at);
      at += part.length;
    }
    const out = into ?? new Uint8Array(length + checksumLength);
    return andThen(this.#keys.seal({ bytes: scratch.subarray(0, whole), length }, out), () => {
      releaseScratch(scratch, whole);
      return out;
    });
  }

  /** Opens a sealed message (RFC 3961 section 3, decrypt). */
  open(ciphertext: Bytes): Eventually<Bytes> {
    return andThen(this.#keys.open(ciphertext), (confounded) => confounded.subarray(this.#profile.confounderLength));
  }

  /** Returns the checksum over the concatenated parts (RFC 3961 section 4, get_mic). */
  checksum(...parts: readonly Bytes[]): Eventually<Bytes> {
    return this.#keys.checksum(...parts);
  }

  /** Releases the runtime's objects. */
  [Symbol.dispose](): void {
    this.#keys[Symbol.dispose]();
  }
}
