/**
 * Protocol keys (RFC 3961): one secret with its enctype, and what can be done with it.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { asBytes, type Bytes, bytesOf, copyBytes, EMPTY, utf8 } from "../../base/bytes.ts";
import { randomBytes, type Runtime, systemRuntime } from "../../base/runtime.ts";
import { KerberosError } from "../errors.ts";
import { paddedLength } from "./aes_cts.ts";
import { systemPrimitives } from "./primitives/system.ts";
import { andThen, type CryptoPrimitives, type Eventually } from "./primitives/seam.ts";
import { webCrypto } from "./primitives/web.ts";
import type { EncryptionProfile, UsageKeys } from "./profile.ts";
import { enctypeName, isSupported, profileOf } from "./enctypes.ts";
import { acquireScratch, releaseScratch } from "./primitives/scratch.ts";

/** Options of {@linkcode KerberosKey.fromPassword}. */
export interface PasswordKeyOptions {
  /** Number of the enctype. */
  readonly enctype: number;
  /** Salt, as text, or as bytes if it is not text. */
  readonly salt: string | Uint8Array;
  /** Opaque parameters as a KDC sends them: an iteration count in four bytes (RFC 3962 section 4). */
  readonly s2kparams?: Uint8Array | undefined;
  /**
   * Fewest PBKDF2 iterations accepted from a KDC, so that a forged KDC reply cannot make the password cheaper to guess (RFC 3962
   * section 8).
   *
   * @default {the default of the enctype: 4096 or 32768}
   */
  readonly minimumIterations?: number | undefined;
  /** Most PBKDF2 iterations accepted from a KDC, so that it cannot keep the client busy. @default {1048576} */
  readonly maximumIterations?: number | undefined;
}

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

  /** Returns the checksum over the concatenated parts (RFC 3961 section 3, get_mic). */
  checksum(...parts: readonly Bytes[]): Eventually<Bytes> {
    return this.#keys.checksum(...parts);
  }

  /** Releases the runtime's objects. */
  [Symbol.dispose](): void {
    this.#keys[Symbol.dispose]();
  }
}

/**
 * A key of one enctype. The keys of each usage are derived once and kept. `Deno.inspect` shows the enctype only.
 *
 * @example
 * ```ts
 * import { KerberosKey } from "@gssocks/gssocks/kerberos";
 *
 * using key = await KerberosKey.fromPassword("secret", { enctype: 18, salt: "EXAMPLE.COMalice" });
 * const sealed = await key.encrypt(1, new TextEncoder().encode("hello"));
 * const opened = await key.decrypt(1, sealed);
 * if (new TextDecoder().decode(opened) !== "hello") throw new Error("not the same");
 * ```
 */
export class KerberosKey implements Disposable {
  /** Number of the enctype. */
  readonly enctype: number;
  readonly #bytes: Bytes;
  readonly #primitives: CryptoPrimitives;
  readonly #usages = new Map<number, Eventually<UsageKey>>();
  #lasting = false;
  #disposed = false;

  /**
   * Creates a key from its bytes.
   *
   * @param enctype Number of the enctype.
   * @param bytes The secret; it is copied.
   * @throws {KerberosError} `BAD_KEY` when the length is not that of the enctype. Keys of unsupported enctypes can be held, as
   * keytabs and caches contain many, but every use throws `UNSUPPORTED_ENCTYPE`.
   */
  constructor(enctype: number, bytes: Uint8Array, primitives: CryptoPrimitives = systemPrimitives) {
    const secret = copyBytes(bytes, "make a key of");
    if (isSupported(enctype) && secret.length !== profileOf(enctype).keyLength) {
      const { name, keyLength } = profileOf(enctype);
      throw new KerberosError("BAD_KEY", `Cannot use key: ${name} takes ${keyLength} bytes, ${secret.length} given`);
    }
    this.enctype = enctype;
    this.#bytes = secret;
    this.#primitives = primitives;
  }

  /** Generates a random key. */
  static generate(enctype: number, runtime: Runtime = systemRuntime): KerberosKey {
    return new KerberosKey(enctype, randomBytes(profileOf(enctype).keyLength, runtime));
  }

  /**
   * Derives the key of a password (string-to-key of the enctype's RFC).
   *
   * @throws {KerberosError} `BAD_S2K_PARAMS` when the iteration count is malformed or outside the limits.
   */
  static async fromPassword(password: string, options: PasswordKeyOptions): Promise<KerberosKey> {
    const profile = profileOf(options.enctype);
    // An empty salt by mistake would give every principal with this password the same key.
    const salt = typeof options.salt === "string" ? utf8(options.salt) : copyBytes(options.salt, "salt with");
    if (typeof password !== "string") throw new TypeError(`Cannot make key: the password is a ${typeof password}`);
    const input = { password: utf8(password), salt, iterations: iterationCount(options) };
    return new KerberosKey(options.enctype, await profile.stringToKey(input, webCrypto));
  }

  /** Registered name of the enctype. */
  get enctypeName(): string {
    return enctypeName(this.enctype);
  }

  get #profile(): EncryptionProfile {
    return profileOf(this.enctype);
  }

  /** Type of the checksums of {@linkcode checksum}. */
  get checksumType(): number {
    return this.#profile.checksumType;
  }

  /** Bytes of a checksum. */
  get checksumLength(): number {
    return this.#profile.checksumLength;
  }

  /** Bytes that sealing adds to a message. */
  get overhead(): number {
    return this.#profile.confounderLength + this.#profile.checksumLength;
  }

  /** Returns a copy of the secret, for keytabs, caches and messages. */
  exportBytes(): Bytes {
    this.#alive();
    return this.#bytes.slice();
  }

  /** Seals a message for one key usage (RFC 3961 section 3, encrypt). */
  async encrypt(usage: number, plaintext: Uint8Array, runtime: Runtime = systemRuntime): Promise<Bytes> {
    return await this.#use(
      usage,
      { doing: "encrypt", parts: [plaintext] },
      (key, parts) => key.seal(parts, { runtime }),
    );
  }

  /**
   * Opens a sealed message (RFC 3961 section 3, decrypt).
   *
   * @throws {KerberosError} `INTEGRITY` when it is not genuine, for whatever reason.
   */
  async decrypt(usage: number, ciphertext: Uint8Array): Promise<Bytes> {
    return await this.#use(usage, { doing: "decrypt", parts: [ciphertext] }, (key, [bytes]) => key.open(bytes!));
  }

  /** Returns the checksum over the concatenated parts, for one key usage (RFC 3961 section 3, get_mic). */
  async checksum(usage: number, ...parts: readonly Uint8Array[]): Promise<Bytes> {
    return await this.#use(usage, { doing: "sign", parts }, (key, bytes) => key.checksum(...bytes));
  }

  /** Whether `checksum` is the one over `data`, compared in constant time. */
  async verifyChecksum(usage: number, data: Uint8Array, checksum: Uint8Array): Promise<boolean> {
    const given = copyBytes(checksum, "verify");
    return timingSafeEqual(await this.checksum(usage, data), given);
  }

  /** Returns pseudo-random bytes for `input` (RFC 3961 section 3, pseudo-random). */
  async prf(input: Uint8Array): Promise<Bytes> {
    this.#alive();
    return await this.#profile.prf(this.#bytes, asBytes(bytesOf(input, "derive from")), this.#primitives);
  }

  /** The caller may change its bytes once the call returns, so a call that waits for keys keeps copies. */
  #use<T>(
    usage: number,
    { doing, parts }: { readonly doing: string; readonly parts: readonly unknown[] },
    use: (key: UsageKey, bytes: readonly Bytes[]) => Eventually<T>,
  ): Eventually<T> {
    const bytes = parts.map((part) => asBytes(bytesOf(part, doing)));
    const key = this.usage(usage);
    if (!(key instanceof Promise)) return use(key, bytes);
    const copies = bytes.map((part) => part.slice());
    return key.then((ready) => use(ready, copies));
  }

  /**
   * Keeps ciphers open between messages; dispose the key to release them.
   *
   * @internal
   */
  expectMany(): this {
    this.#lasting = true;
    return this;
  }

  /**
   * Returns the keys of a usage; synchronously if they have been derived before.
   *
   * @internal
   */
  usage(usage: number): Eventually<UsageKey> {
    this.#alive();
    const known = this.#usages.get(usage);
    if (known !== undefined) return known;
    const profile = this.#profile;
    const options = { primitives: this.#primitives, lasting: this.#lasting };
    const derived = andThen(profile.usageKeys(this.#bytes, usage, options), (keys) => {
      const made = new UsageKey(profile, keys);
      if (!this.#disposed) this.#usages.set(usage, made);
      return made;
    });
    if (derived instanceof Promise) this.#usages.set(usage, derived);
    return derived;
  }

  /** Overwrites the secret and releases the derived keys. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#bytes.fill(0);
    for (const made of this.#usages.values()) if (made instanceof UsageKey) made[Symbol.dispose]();
    this.#usages.clear();
  }

  #alive(): void {
    if (this.#disposed) throw new TypeError("Cannot use key: it has been disposed");
  }
}

/** The iteration count in s2kparams: four bytes, zero for 2^32 (RFC 3962 section 4); `undefined` for another length. */
export function namedIterations(s2kparams: Uint8Array): number | undefined {
  if (s2kparams.length !== 4) return undefined;
  return new DataView(s2kparams.buffer, s2kparams.byteOffset).getUint32(0) || 2 ** 32;
}

/** The iteration count of the KDC, or the default of the enctype; throws when it is outside the limits. */
function iterationCount(options: PasswordKeyOptions): number {
  const { defaultIterations } = profileOf(options.enctype);
  const { minimumIterations = defaultIterations, maximumIterations = 1 << 20 } = options;
  const s2kparams = bytesOf(options.s2kparams ?? EMPTY, "make a key by");
  const named = namedIterations(s2kparams);
  if (named === undefined && s2kparams.length > 0) {
    throw new KerberosError("BAD_S2K_PARAMS", `Cannot make key: parameters have ${s2kparams.length} bytes, not 4`);
  }
  const iterations = named ?? defaultIterations;
  if (iterations > maximumIterations || (named !== undefined && iterations < minimumIterations)) {
    throw new KerberosError(
      "BAD_S2K_PARAMS",
      `Cannot make key: ${iterations} iterations requested, ${minimumIterations} to ${maximumIterations} accepted`,
    );
  }
  return iterations;
}
