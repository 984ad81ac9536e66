/**
 * Encryption profiles (RFC 3961 section 3) as a table by enctype. A profile turns a protocol key into the keys of one
 * usage and uses them; it holds no key itself.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import type { CipherOptions, CryptoPrimitives, Eventually } from "./primitives/primitives.ts";
import { aes128Sha1, aes256Sha1 } from "./aes_sha1.ts";
import { aes128Sha2, aes256Sha2 } from "./aes_sha2.ts";

/** The keys of one usage, ready for use. Results are there at once where the primitives give them at once. */
export interface UsageKeys extends Disposable {
  /** Seals `confounder | message` into `out`, which has room for that and the tag, and returns `out`. */
  seal(confounded: Padded, out: Bytes): Eventually<Bytes>;
  /** Opens a ciphertext into `confounder | message`; fails where it is not genuine. */
  open(ciphertext: Bytes): Eventually<Bytes>;
  /** Checksum over the parts one after another. */
  checksum(...parts: readonly Bytes[]): Eventually<Bytes>;
}

/** Bytes with zeros behind them up to whole cipher blocks, so that nobody has to copy them to pad them. */
export interface Padded {
  /** Bytes and zeros. */
  readonly bytes: Bytes;
  /** How many of them count. */
  readonly length: number;
}

/** Password, salt and parameters (RFC 3961 section 3, string-to-key). */
export interface StringToKeyInput {
  /** Password as UTF-8. */
  readonly password: Bytes;
  /** Salt as bytes. */
  readonly salt: Bytes;
  /** Iteration count; the profile's default where it is not given. */
  readonly iterations?: number | undefined;
}

/** What the keys of a usage are made with. */
export interface UsageKeysOptions extends CipherOptions {
  readonly primitives: CryptoPrimitives;
}

/** One enctype. */
export interface EncryptionProfile {
  /** Number of the enctype. */
  readonly enctype: number;
  /** Name in the IANA registry. */
  readonly name: string;
  /** Bytes of a protocol key. */
  readonly keyLength: number;
  /** Bytes of the confounder. */
  readonly confounderLength: number;
  /** Bytes of the checksum, and of the integrity tag of a ciphertext. */
  readonly checksumLength: number;
  /** Type of its checksum (RFC 3961 section 8). */
  readonly checksumType: number;
  /** PBKDF2 iterations where the KDC names none. */
  readonly defaultIterations: number;
  /** Derives the keys of one usage. */
  usageKeys(key: Bytes, usage: number, options: UsageKeysOptions): Eventually<UsageKeys>;
  /** Makes a key from a password. */
  stringToKey(input: StringToKeyInput, primitives: CryptoPrimitives): Promise<Bytes>;
  /** Pseudo-random function over `input`. */
  prf(key: Bytes, input: Bytes, primitives: CryptoPrimitives): Promise<Bytes>;
}

const PROFILES: ReadonlyMap<number, EncryptionProfile> = new Map(
  [aes128Sha1, aes256Sha1, aes128Sha2, aes256Sha2].map((profile) => [profile.enctype, profile]),
);

/** Enctypes in the order in which they are asked for by default: strongest first, the most widely known before. */
export const DEFAULT_ENCTYPES: readonly number[] = [18, 20, 17, 19];

/** Profile of an enctype; throws `UNSUPPORTED_ENCTYPE` for one that is not in the table. */
export function profileOf(enctype: number): EncryptionProfile {
  const profile = PROFILES.get(enctype);
  if (profile === undefined) {
    throw new KerberosError("UNSUPPORTED_ENCTYPE", `Cannot use encryption type ${enctypeName(enctype)}: not supported`);
  }
  return profile;
}

/** Whether the enctype is in the table. */
export function isSupported(enctype: number): boolean {
  return PROFILES.has(enctype);
}

/** Enctypes that are only named, for messages. */
const OTHER_NAMES: Readonly<Record<number, string>> = {
  1: "des-cbc-crc",
  3: "des-cbc-md5",
  16: "des3-cbc-sha1",
  23: "arcfour-hmac",
  25: "camellia128-cts-cmac",
  26: "camellia256-cts-cmac",
};

/** Registered name of an enctype, or its number. */
export function enctypeName(enctype: number): string {
  return PROFILES.get(enctype)?.name ?? OTHER_NAMES[enctype] ?? `enctype ${enctype}`;
}

const ALIASES: Readonly<Record<string, number>> = {
  "aes128-cts": 17,
  "aes256-cts": 18,
  "aes128-sha1": 17,
  "aes256-sha1": 18,
  "aes128-sha2": 19,
  "aes256-sha2": 20,
};

/** Number of a supported enctype by its registered name or MIT's short one; `undefined` for another. */
export function enctypeByName(name: string): number | undefined {
  const wanted = name.toLowerCase();
  for (const profile of PROFILES.values()) if (profile.name === wanted) return profile.enctype;
  return Object.hasOwn(ALIASES, wanted) ? ALIASES[wanted] : undefined;
}
