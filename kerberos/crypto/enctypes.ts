/**
 * The table of enctypes (RFC 3961 section 8), and their names.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import { aes128Sha1, aes256Sha1 } from "./aes_sha1.ts";
import { aes128Sha2, aes256Sha2 } from "./aes_sha2.ts";
import type { EncryptionProfile } from "./profile.ts";

const PROFILES: ReadonlyMap<number, EncryptionProfile> = new Map(
  [aes128Sha1, aes256Sha1, aes128Sha2, aes256Sha2].map((profile) => [profile.enctype, profile]),
);

/** Enctypes requested by default, in order: long keys first, and SHA-1 before SHA-2, which fewer KDCs support. */
export const DEFAULT_ENCTYPES: readonly number[] = [18, 20, 17, 19];

/**
 * Returns the profile of an enctype.
 *
 * @throws {KerberosError} `UNSUPPORTED_ENCTYPE` when it is not in the table.
 */
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

/** Names of unsupported enctypes, for messages. */
const OTHER_NAMES: Readonly<Record<number, string>> = {
  1: "des-cbc-crc",
  3: "des-cbc-md5",
  16: "des3-cbc-sha1",
  23: "arcfour-hmac",
  25: "camellia128-cts-cmac",
  26: "camellia256-cts-cmac",
};

/**
 * Returns the registered name of an enctype, or its number.
 *
 * @example
 * ```ts
 * import { enctypeName } from "@gssocks/gssocks/kerberos";
 *
 * if (enctypeName(18) !== "aes256-cts-hmac-sha1-96") throw new Error("another name");
 * ```
 */
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

/**
 * Returns the number of a supported enctype by its registered name or MIT's short name; `undefined` for other names.
 *
 * @example
 * ```ts
 * import { enctypeByName } from "@gssocks/gssocks/kerberos";
 *
 * if (enctypeByName("aes256-cts") !== 18) throw new Error("another number");
 * ```
 */
export function enctypeByName(name: string): number | undefined {
  const wanted = name.toLowerCase();
  for (const profile of PROFILES.values()) if (profile.name === wanted) return profile.enctype;
  return Object.hasOwn(ALIASES, wanted) ? ALIASES[wanted] : undefined;
}
