/**
 * Credential cache files in MIT's format: version 4 read and written, versions 1 to 3 read.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { asBytes, ByteReader, type Bytes, bytesOf, ByteWriter } from "../../../base/bytes.ts";
import type { Credential } from "../../credential.ts";
import { KerberosError } from "../../errors.ts";
import type { CredentialCacheData } from "../cache.ts";
import { RecordReader, writeCredential, writePrincipal } from "./credential_records.ts";

const MAX_CREDENTIALS = 10_000;
const DELTA_TIME = 1;

/**
 * Decodes a cache file. What MIT's programs pass over is passed over: a credential that was removed or that has a key of a wrong
 * length; one that is cut is the end of the cache.
 *
 * @throws {TypeError} If the argument is no bytes.
 * @throws {KerberosError} `BAD_FILE`
 *
 * @example
 * ```ts
 * import { decodeCcache } from "@gssocks/gssocks/kerberos";
 *
 * export function principal(file: Uint8Array): string {
 *   return decodeCcache(file).principal.components.join("/");
 * }
 * ```
 */
export function decodeCcache(bytes: Uint8Array): CredentialCacheData {
  const given = new ByteReader(asBytes(bytesOf(bytes, "read credential cache out of")));
  try {
    const first = given.u8();
    const version = given.u8();
    if (first !== 5 || version < 1 || version > 4) {
      const begins = encodeHex(Uint8Array.of(first, version));
      throw new KerberosError(
        "BAD_FILE",
        `Cannot read credential cache: it begins with 0x${begins}, and a cache with 0x0501 to 0x0504; name another file, or run kinit`,
      );
    }
    const kdcOffset = version === 4 ? readHeader(given) : undefined;
    const records = new RecordReader(given, version);
    const owner = records.principal();
    const credentials = readCredentials(given, records);
    return { principal: owner, credentials, ...(kdcOffset === undefined ? {} : { kdcOffset }) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KerberosError("BAD_FILE", `Cannot read credential cache: ${error.message}`, { cause: error });
  }
}

function readHeader(given: ByteReader): number | undefined {
  const header = new ByteReader(given.take(given.u16()));
  let offset: number | undefined;
  while (header.remaining > 0) {
    const tag = header.u16();
    const value = new ByteReader(header.take(header.u16()));
    if (tag === DELTA_TIME) offset = value.i32() * 1000 + value.i32() / 1000;
  }
  return offset;
}

function readCredentials(given: ByteReader, records: RecordReader): Credential[] {
  const credentials: Credential[] = [];
  for (let count = 0; given.remaining > 0; count++) {
    if (count === MAX_CREDENTIALS) {
      throw new KerberosError("BAD_FILE", `Cannot read credential cache: over ${MAX_CREDENTIALS} tickets`);
    }
    try {
      const credential = records.credential();
      if (credential !== undefined) credentials.push(credential);
    } catch (error) {
      // A disk was full, or a program is writing at this moment: those before it serve.
      if (error instanceof RangeError) break;
      throw error;
    }
  }
  return credentials;
}

/** Whether a file begins as a credential cache does: every version of the format begins with 5 and its number. */
export function isCcache(start: Uint8Array): boolean {
  return start[0] === 5 && start[1]! >= 1 && start[1]! <= 4;
}

/**
 * Returns the bytes of a version 4 cache file.
 *
 * @example
 * ```ts
 * import { decodeCcache, encodeCcache, parsePrincipal } from "@gssocks/gssocks/kerberos";
 *
 * const file = encodeCcache({ principal: parsePrincipal("alice@EXAMPLE.COM"), credentials: [] });
 * if (decodeCcache(file).principal.realm !== "EXAMPLE.COM") throw new Error("another client");
 * ```
 */
export function encodeCcache(data: CredentialCacheData): Bytes {
  const out = new ByteWriter().u16(0x0504);
  const { kdcOffset } = data;
  if (kdcOffset === undefined) {
    out.u16(0);
  } else {
    const seconds = Math.trunc(kdcOffset / 1000);
    out.u16(12).u16(DELTA_TIME).u16(8).u32(seconds).u32(Math.round((kdcOffset - seconds * 1000) * 1000));
  }
  writePrincipal(out, data.principal);
  for (const credential of data.credentials) writeCredential(out, credential);
  return out.finish();
}
