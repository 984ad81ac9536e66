/**
 * Protocol keys (RFC 3961): one secret of one enctype, and the operations of its profile.
 *
 * @module
 */
import { asBytes, type Bytes, bytesOf, copyBytes, utf8 } from "../../base/bytes.ts";
import { randomBytes, type Runtime, systemRuntime } from "../../base/runtime.ts";
import { KerberosError } from "../errors.ts";
import { enctypeName, isSupported, profileOf } from "./enctypes.ts";
import { iterationCount, type PasswordKeyOptions } from "./password.ts";
import type { Eventually } from "../../base/eventually.ts";
import type { CryptoPrimitives } from "./primitives/seam.ts";
import { systemPrimitives } from "./primitives/system.ts";
import { webCrypto } from "./primitives/web.ts";
import type { EncryptionProfile } from "./profile.ts";
import { UsageKey } from "./usage_key.ts";

/**
 * A key of one enctype. The keys of each usage are derived when they are first wanted. `Deno.inspect` shows the enctype only.
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
  readonly #usages = new Map<number, UsageKey>();
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
    return await this.encryptEventually(usage, plaintext, runtime);
  }

  /**
   * As {@linkcode encrypt}, with the result at once if the cryptography is synchronous.
   *
   * @internal
   */
  encryptEventually(usage: number, plaintext: Uint8Array, runtime: Runtime = systemRuntime): Eventually<Bytes> {
    return this.usage(usage).seal([bytesOf(plaintext, "encrypt")], { runtime });
  }

  /**
   * Opens a sealed message (RFC 3961 section 3, decrypt).
   *
   * @throws {KerberosError} `INTEGRITY` when it is not genuine, for whatever reason.
   */
  async decrypt(usage: number, ciphertext: Uint8Array): Promise<Bytes> {
    return await this.decryptEventually(usage, ciphertext);
  }

  /**
   * As {@linkcode decrypt}, with the result at once if the cryptography is synchronous; what is not genuine throws.
   *
   * @internal
   */
  decryptEventually(usage: number, ciphertext: Uint8Array): Eventually<Bytes> {
    return this.usage(usage).open(asBytes(bytesOf(ciphertext, "decrypt")));
  }

  /** Returns the checksum over the concatenated parts, for one key usage (RFC 3961 section 4, get_mic). */
  async checksum(usage: number, ...parts: readonly Uint8Array[]): Promise<Bytes> {
    return await this.usage(usage).checksum(parts.map((part) => asBytes(bytesOf(part, "sign"))));
  }

  /** Whether `checksum` is the one over `data`, compared in constant time. */
  async verifyChecksum(usage: number, data: Uint8Array, checksum: Uint8Array): Promise<boolean> {
    const [signed, given] = [data, checksum].map((bytes) => asBytes(bytesOf(bytes, "verify")));
    return await this.usage(usage).verify([signed!], given!);
  }

  /** Returns pseudo-random bytes for `input` (RFC 3961 section 3, pseudo-random). */
  async prf(input: Uint8Array): Promise<Bytes> {
    this.#alive();
    return await this.#profile.prf(this.#bytes, asBytes(bytesOf(input, "derive from")), this.#primitives);
  }

  /**
   * Returns the key in a usage.
   *
   * @internal
   */
  usage(usage: number): UsageKey {
    this.#alive();
    let made = this.#usages.get(usage);
    if (made === undefined) {
      made = new UsageKey({ profile: this.#profile, primitives: this.#primitives, secret: this.#bytes, usage });
      this.#usages.set(usage, made);
    }
    return made;
  }

  /** Overwrites the secret and releases the derived keys. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#bytes.fill(0);
    for (const made of this.#usages.values()) made[Symbol.dispose]();
    this.#usages.clear();
  }

  /**
   * Whether the key cannot be used any more.
   *
   * @internal
   */
  get isDisposed(): boolean {
    return this.#disposed;
  }

  #alive(): void {
    if (this.#disposed) throw new TypeError("Cannot use key: it has been disposed");
  }
}
