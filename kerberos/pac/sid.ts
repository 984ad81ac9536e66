/**
 * Security identifiers as bytes (MS-DTYP section 2.4.2.2).
 *
 * @module
 */
import { type ByteReader, type Bytes, ByteWriter } from "../../base/bytes.ts";
import { formatSid, parseSid } from "../../base/sid.ts";
import { KerberosError } from "../errors.ts";

/** "The maximum number of elements allowed is 15." */
const MAX_SUB_AUTHORITIES = 15;

/**
 * Reads a SID; returns its text.
 *
 * @throws {RangeError} At the end of the bytes.
 * @throws {KerberosError} `BAD_MESSAGE` when it is of another revision or too long.
 */
export function readSid(reader: ByteReader): string {
  const revision = reader.u8();
  const count = reader.u8();
  if (revision !== 1 || count < 1 || count > MAX_SUB_AUTHORITIES) {
    throw new KerberosError("BAD_MESSAGE", `a SID has revision ${revision} and ${count} subauthorities`);
  }
  const authority = reader.u16() * 2 ** 32 + reader.u32();
  return formatSid({ authority, subAuthorities: Array.from({ length: count }, () => reader.u32(true)) });
}

/**
 * Returns the bytes of a SID.
 *
 * @throws {TypeError} When the text is no SID.
 */
export function sidBytes(text: string): Bytes {
  const sid = parseSid(text);
  if (sid === undefined) throw new TypeError(`Cannot write SID ${JSON.stringify(text)}: "S-1-5-21-…" is wanted`);
  const { authority, subAuthorities } = sid;
  const writer = new ByteWriter().u8(1).u8(subAuthorities.length)
    .u16(Math.floor(authority / 2 ** 32)).u32(authority % 2 ** 32);
  for (const part of subAuthorities) writer.u32(part, true);
  return writer.finish();
}
