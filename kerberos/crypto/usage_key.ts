/**
 * A key in one usage, and the operations that use it (RFC 3961 sections 3 and 4): short messages in the core if there is one, the others
 * by the primitives.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import type { Bytes } from "../../base/bytes.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import { paddedLength } from "./aes_cts.ts";
import type { Core, CoreKey } from "./core/core.ts";
import type { Place } from "./core/kept.ts";
import { Use } from "./core/layout.ts";
import { acquireScratch, releaseScratch } from "./primitives/scratch.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import type { CryptoPrimitives, Mac } from "./primitives/seam.ts";
import { type EncryptionProfile, integrityError, Purpose, type SealingKeys } from "./profile.ts";

/** Options of {@linkcode UsageKey.seal}. */
export interface SealOptions {
  /** Memory for the result; fresh one takes 200 ns, half of a short signature. @default {fresh memory of its length} */
  readonly into?: Bytes | undefined;
  /** Where in `into` the result begins. @default {0} */
  readonly at?: number | undefined;
  /** Randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

/** What a {@linkcode UsageKey} is made of. */
interface UsageKeyInit {
  readonly profile: EncryptionProfile;
  readonly primitives: CryptoPrimitives;
  /** The protocol key, of which nothing is copied: it is derived from when it is first wanted. */
  readonly secret: Bytes;
  readonly usage: number;
}

/**
 * A key in one usage. Results are synchronous in the core, and if the primitives' are. The caller may change what it gave once a call
 * returns.
 *
 * @internal
 */
export class UsageKey implements CoreKey, Disposable {
  readonly #profile: EncryptionProfile;
  readonly #primitives: CryptoPrimitives;
  readonly #usage: number;
  readonly secret: Bytes;
  readonly places: (Place | undefined)[] = [];
  #sealing: Eventually<SealingKeys> | undefined;
  #signing: Eventually<Mac> | undefined;

  constructor({ profile, primitives, secret, usage }: UsageKeyInit) {
    this.#profile = profile;
    this.#primitives = primitives;
    this.#usage = usage;
    this.secret = secret;
  }

  get enctype(): number {
    return this.#profile.enctype;
  }

  get tagLength(): number {
    return this.#profile.checksumLength;
  }

  constants(use: number): readonly Bytes[] {
    const { constant } = this.#profile;
    return use === Use.Sign
      ? [constant(this.#usage, Purpose.Checksum)]
      : [constant(this.#usage, Purpose.Integrity), constant(this.#usage, Purpose.Encryption)];
  }

  /** Seals the concatenated parts as one message (RFC 3961 section 3, encrypt). */
  seal(parts: readonly Uint8Array[], options: SealOptions = {}): Eventually<Bytes> {
    const { into, at = 0, runtime = systemRuntime } = options;
    const { confounderLength, checksumLength, core: limits } = this.#profile;
    const size = lengthOf(parts);
    const length = confounderLength + size;
    const out = into ?? new Uint8Array(length + checksumLength);
    const core = size > limits.seal ? undefined : this.#primitives.core;
    if (core !== undefined) {
      core.seal(this, parts, size, { out, at, runtime });
      return out;
    }
    const place = out.subarray(at, at + length + checksumLength);
    const whole = paddedLength(length);
    const scratch = acquireScratch(whole);
    runtime.fillRandom(scratch.subarray(0, confounderLength));
    let end = confounderLength;
    for (const part of parts) {
      scratch.set(part, end);
      end += part.length;
    }
    const sealing = andThen(
      this.#sealingKeys(),
      (keys) => this.#profile.seal(keys, { bytes: scratch.subarray(0, whole), length }, place),
    );
    return andThen(sealing, () => {
      releaseScratch(scratch, whole);
      return out;
    });
  }

  /** Opens a sealed message (RFC 3961 section 3, decrypt), which begins at `from`, up to 16; throws when it is not genuine. */
  open(sealed: Bytes, from = 0): Eventually<Bytes> {
    const { confounderLength, checksumLength, core: limits } = this.#profile;
    const length = sealed.length - from;
    if (length < confounderLength + checksumLength) throw integrityError();
    const core = length > limits.open ? undefined : this.#primitives.core;
    if (core !== undefined) {
      const message = core.open(this, sealed, from);
      if (message === undefined) throw integrityError();
      return message;
    }
    const keys = this.#sealingKeys();
    const given = keys instanceof Promise ? sealed.slice(from) : sealed.subarray(from);
    const opening = andThen(keys, (ready) => this.#profile.open(ready, given));
    return andThen(opening, (confounded) => confounded.subarray(confounderLength));
  }

  /** Computes the checksum over the concatenated parts (RFC 3961 section 4, get_mic); returns the memory that it is in. */
  checksum(parts: readonly Bytes[], { into, at = 0 }: Omit<SealOptions, "runtime"> = {}): Eventually<Bytes> {
    const size = lengthOf(parts);
    const out = into ?? new Uint8Array(this.tagLength);
    const core = this.#coreToSign(size);
    if (core !== undefined) {
      core.sign(this, parts, size, { out, at });
      return out;
    }
    return andThen(this.#code(parts), (code) => {
      out.set(code, at);
      return out;
    });
  }

  /**
   * Whether the bytes of `checksum` from `at` on are the one over the concatenated parts, compared in constant time (RFC 3961 section 4,
   * verify_mic).
   */
  verify(parts: readonly Bytes[], checksum: Bytes, at = 0): Eventually<boolean> {
    if (checksum.length - at !== this.tagLength) return false;
    const size = lengthOf(parts);
    const core = this.#coreToSign(size);
    if (core !== undefined) return core.verify(this, parts, size, checksum, at);
    const computing = this.#code(parts);
    const given = computing instanceof Promise ? checksum.slice(at) : checksum.subarray(at);
    return andThen(computing, (computed) => timingSafeEqual(computed, given));
  }

  #coreToSign(size: number): Core | undefined {
    return size > this.#profile.core.sign ? undefined : this.#primitives.core;
  }

  /** The checksum by the primitives. */
  #code(parts: readonly Bytes[]): Eventually<Bytes> {
    const key = this.#checksumKey();
    const given = key instanceof Promise ? parts.map((part) => part.slice()) : parts;
    return andThen(andThen(key, (mac) => mac.sign(...given)), (code) => code.subarray(0, this.tagLength));
  }

  #sealingKeys(): Eventually<SealingKeys> {
    const { hash } = this.#profile;
    const primitives = this.#primitives;
    this.#sealing ??= andThen(
      this.#profile.derive(this.secret, this.constants(Use.Seal), primitives),
      ([ki, ke]) =>
        andThen(
          primitives.cbc(ke!),
          (cipher) => andThen(primitives.hmac(hash, ki!), (mac) => this.#sealing = { cipher, mac }),
        ),
    );
    return this.#sealing;
  }

  #checksumKey(): Eventually<Mac> {
    const { hash } = this.#profile;
    const primitives = this.#primitives;
    this.#signing ??= andThen(
      this.#profile.derive(this.secret, this.constants(Use.Sign), primitives),
      ([kc]) => andThen(primitives.hmac(hash, kc!), (mac) => this.#signing = mac),
    );
    return this.#signing;
  }

  /** Wipes expanded keys that are kept. */
  [Symbol.dispose](): void {
    for (const place of this.places) place?.forget();
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}
