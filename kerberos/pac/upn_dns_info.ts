/**
 * UPN_DNS_INFO, the user principal name and the DNS name of the domain (MS-PAC section 2.10).
 *
 * @module
 */
import { ByteReader, type Bytes, ByteWriter } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import { readSid, sidBytes } from "./sid.ts";
import { utf16Bytes, utf16Text } from "./utf16.ts";

/** Contents of UPN_DNS_INFO. */
export interface UpnDnsInfo {
  /** User principal name, such as `alice@corp.example`. */
  readonly upn: string;
  /** DNS name of the account's domain. */
  readonly dnsDomain: string;
  /** sAMAccountName and SID, which newer KDCs add. */
  readonly sam: { readonly account: string; readonly sid: string } | undefined;
}

/** Flag S: "extended with the user account's SAM Name and SID". */
const EXTENDED = 2;

/**
 * Reads a UPN_DNS_INFO buffer.
 *
 * @throws {RangeError} When it is cut off.
 * @throws {KerberosError} `BAD_MESSAGE` when a part lies outside of it or cannot be read.
 */
export function readUpnDnsInfo(data: Bytes): UpnDnsInfo {
  const reader = new ByteReader(data);
  const part = (): Bytes => {
    const [length, offset] = [reader.u16(true), reader.u16(true)];
    if (offset + length > data.length) throw new KerberosError("BAD_MESSAGE", "a name of its user lies outside of it");
    return data.subarray(offset, offset + length);
  };
  const [upn, dnsDomain] = [part(), part()].map(utf16Text) as [string, string];
  if ((reader.u32(true) & EXTENDED) === 0) return { upn, dnsDomain, sam: undefined };
  const [account, sid] = [part(), part()];
  return { upn, dnsDomain, sam: { account: utf16Text(account), sid: readSid(new ByteReader(sid)) } };
}

/** Writes a UPN_DNS_INFO buffer. */
export function writeUpnDnsInfo({ upn, dnsDomain, sam }: UpnDnsInfo): Bytes {
  const parts = [utf16Bytes(upn), utf16Bytes(dnsDomain)];
  if (sam !== undefined) parts.push(utf16Bytes(sam.account), sidBytes(sam.sid));
  const aligned = ({ length }: Bytes) => length + (8 - length % 8) % 8;
  let offset = 24;
  const head = new ByteWriter();
  parts.forEach((part, i) => {
    if (i === 2) head.u32(EXTENDED, true);
    head.u16(part.length, true).u16(offset, true);
    offset += aligned(part);
  });
  if (sam === undefined) head.u32(0, true).u32(0, true).u32(0, true);
  else head.u32(0, true);
  for (const part of parts) head.bytes(part).bytes(new Uint8Array(aligned(part) - part.length));
  return head.finish();
}
