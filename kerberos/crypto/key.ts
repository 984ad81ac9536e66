/**
 * Protocol keys (RFC 3961): one secret with its enctype, and what can be done with it.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { asBytes, type Bytes, utf8 } from "../../gss/bytes.ts";
import { type Runtime, systemRuntime } from "../../gss/runtime.ts";
import { KerberosError } from "../errors.ts";
import { paddedLength } from "./aes_cts.ts";
import { nodePrimitives } from "./node_primitives.ts";
import { type CryptoPrimitives, webCrypto } from "./primitives.ts";
import { type EncryptionProfile, enctypeName, isSupported, type Padded, profileOf, type UsageKeys } from "./profile.ts";

/** What {@linkcode KerberosKey.fromPassword} takes. */
export interface PasswordKeyOptions {
  /** Number of the enctype. */
  readonly enctype: number;
  /** Salt, as text or, where it is not text, as octets. */
  readonly salt: string | Uint8Array;
  /** Opaque parameters as a KDC sends them: an iteration count in four octets (RFC 3962 section 4). */
  readonly s2kparams?: Uint8Array | undefined;
  /** Fewest PBKDF2 iterations that are accepted from a KDC. @default {4096} */
  readonly minimumIterations?: number;
  /** Most PBKDF2 iterations that are accepted from a KDC, so that it cannot keep the client busy. @default {1048576} */
  readonly maximumIterations?: number;
}

/** The fastest primitives that the runtime has. */
const fastest: CryptoPrimitives = nodePrimitives(webCrypto) ?? webCrypto;

/** How {@linkcode KerberosKey.seal} seals. */
export interface SealOptions {
  /** Octets of zero to leave in front of the ciphertext, for a header. @default {0} */
  readonly headroom?: number;
  /** Randomness. @default {the system's} */
  readonly runtime?: Runtime;
}

/**
 * A key for one enctype. The keys of each usage are derived once and kept. `Deno.inspect` shows the enctype only.
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
  readonly #usages = new Map<number, UsageKeys | Promise<UsageKeys>>();
  #disposed = false;

  /**
   * Makes a key out of its octets.
   *
   * @param enctype Number of the enctype.
   * @param bytes The secret; it is copied.
   * @throws {KerberosError} `BAD_KEY` when the length is not that of the enctype. Keys of enctypes that this library
   * does not have can be held (keytabs and caches are full of them), but every use throws `UNSUPPORTED_ENCTYPE`.
   */
  constructor(enctype: number, bytes: Uint8Array, primitives: CryptoPrimitives = fastest) {
    if (isSupported(enctype) && bytes.length !== profileOf(enctype).keyLength) {
      const { name, keyLength } = profileOf(enctype);
      throw new KerberosError("BAD_KEY", `Cannot use key: ${name} takes ${keyLength} octets, ${bytes.length} given`);
    }
    this.enctype = enctype;
    this.#bytes = new Uint8Array(bytes);
    this.#primitives = primitives;
  }

  /** A fresh random key. */
  static generate(enctype: number, runtime: Runtime = systemRuntime): KerberosKey {
    return new KerberosKey(enctype, runtime.randomBytes(profileOf(enctype).keyLength));
  }

  /**
   * The key of a password (string-to-key of the enctype's RFC).
   *
   * @throws {KerberosError} `BAD_S2K_PARAMS` when the iteration count is malformed or outside the limits.
   */
  static async fromPassword(password: string, options: PasswordKeyOptions): Promise<KerberosKey> {
    const profile = profileOf(options.enctype);
    const salt = typeof options.salt === "string" ? utf8(options.salt) : asBytes(options.salt);
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

  /** Type number of the checksums that {@linkcode checksum} makes. */
  get checksumType(): number {
    return this.#profile.checksumType;
  }

  /** Octets of a checksum. */
  get checksumLength(): number {
    return this.#profile.checksumLength;
  }

  /** Octets that sealing adds to a message. */
  get overhead(): number {
    return this.#profile.confounderLength + this.#profile.checksumLength;
  }

  /** A copy of the secret, for keytabs, caches and messages. */
  exportBytes(): Bytes {
    this.#alive();
    return this.#bytes.slice();
  }

  /** Seals a message for one key usage (RFC 3961 section 3, encrypt). */
  encrypt(usage: number, plaintext: Uint8Array, runtime: Runtime = systemRuntime): Promise<Bytes> {
    return this.seal(usage, [plaintext], { runtime });
  }

  /** Seals the parts one after another as one message, and may leave room for a header in front of the result. */
  async seal(usage: number, parts: readonly Uint8Array[], options: SealOptions = {}): Promise<Bytes> {
    const { headroom = 0, runtime = systemRuntime } = options;
    const keys = this.#usage(usage);
    const confounded = padded([runtime.randomBytes(this.#profile.confounderLength), ...parts]);
    return await (keys instanceof Promise ? await keys : keys).seal(confounded, headroom);
  }

  /**
   * Opens a sealed message (RFC 3961 section 3, decrypt).
   *
   * @throws {KerberosError} `INTEGRITY` when it is not genuine, whatever the reason.
   */
  async decrypt(usage: number, ciphertext: Uint8Array): Promise<Bytes> {
    const keys = this.#usage(usage);
    const confounded = await (keys instanceof Promise ? await keys : keys).open(asBytes(ciphertext));
    return confounded.subarray(this.#profile.confounderLength);
  }

  /** Checksum over the parts one after another, for one key usage (RFC 3961 section 3, get_mic). */
  async checksum(usage: number, ...parts: readonly Uint8Array[]): Promise<Bytes> {
    const keys = this.#usage(usage);
    return await (keys instanceof Promise ? await keys : keys).checksum(...parts.map(asBytes));
  }

  /** Whether `checksum` is the one over `data`, compared in constant time. */
  async verifyChecksum(usage: number, data: Uint8Array, checksum: Uint8Array): Promise<boolean> {
    return timingSafeEqual(await this.checksum(usage, data), checksum);
  }

  /** Pseudo-random octets out of `input` (RFC 3961 section 3, pseudo-random). */
  async prf(input: Uint8Array): Promise<Bytes> {
    this.#alive();
    return await this.#profile.prf(this.#bytes, asBytes(input), this.#primitives);
  }

  /** Overwrites the secret and forgets the derived keys. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#bytes.fill(0);
    this.#usages.clear();
  }

  /** The keys of a usage, at once where they have been derived before. */
  #usage(usage: number): UsageKeys | Promise<UsageKeys> {
    this.#alive();
    const known = this.#usages.get(usage);
    if (known !== undefined) return known;
    const deriving = this.#profile.usageKeys(this.#bytes, usage, this.#primitives).then((keys) => {
      if (!this.#disposed) this.#usages.set(usage, keys);
      return keys;
    });
    this.#usages.set(usage, deriving);
    return deriving;
  }

  #alive(): void {
    if (this.#disposed) throw new TypeError("Cannot use key: it has been disposed");
  }
}

/** The parts one after another, in whole blocks. */
function padded(parts: readonly Uint8Array[]): Padded {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(paddedLength(length));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, length };
}

/** RFC 3962 section 4: four octets, where zero stands for 2^32; outside the limits it is refused. */
function iterationCount(options: PasswordKeyOptions): number | undefined {
  const { s2kparams, minimumIterations = 4096, maximumIterations = 1 << 20 } = options;
  if (s2kparams === undefined || s2kparams.length === 0) return undefined;
  if (s2kparams.length !== 4) {
    throw new KerberosError("BAD_S2K_PARAMS", `Cannot make key: parameters have ${s2kparams.length} octets, not 4`);
  }
  const iterations = new DataView(s2kparams.buffer, s2kparams.byteOffset).getUint32(0) || 2 ** 32;
  if (iterations < minimumIterations || iterations > maximumIterations) {
    throw new KerberosError(
      "BAD_S2K_PARAMS",
      `Cannot make key: ${iterations} iterations asked, ${minimumIterations} to ${maximumIterations} accepted`,
    );
  }
  return iterations;
}
