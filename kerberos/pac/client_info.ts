/**
 * PAC_CLIENT_INFO, which ties a PAC to the client of its ticket (MS-PAC section 2.7).
 *
 * @module
 */
import { ByteReader, type Bytes, ByteWriter } from "../../base/bytes.ts";
import { formatNameText } from "../../base/name_text.ts";
import type { PrincipalName } from "../messages/basic.ts";
import { utf16Bytes, utf16Text } from "./utf16.ts";

/** Client and time of the initial ticket. */
export interface ClientInfo {
  /** The client's name as the ticket has it, without the realm. */
  readonly name: string;
  /** When the client authenticated, in milliseconds since the epoch. */
  readonly authtime: number;
}

/** From the epoch of FILETIME, 1601, to that of Unix, in milliseconds. */
const EPOCH = 11_644_473_600_000;
/** FILETIME counts units of 100 ns. */
const PER_MILLISECOND = 10_000n;

/**
 * Reads a CLIENT_INFO buffer.
 *
 * @throws {RangeError} When it is cut off.
 * @throws {KerberosError} `BAD_MESSAGE` when the name is not UTF-16.
 */
export function readClientInfo(data: Bytes): ClientInfo {
  const reader = new ByteReader(data);
  const [low, high] = [reader.u32(true), reader.u32(true)];
  const time = BigInt(high) << 32n | BigInt(low);
  const name = utf16Text(reader.take(reader.u16(true)));
  return { name, authtime: Number(time / PER_MILLISECOND) - EPOCH };
}

/** Whether the information is about the client and the initial authentication of a ticket. */
export function isAbout({ name, authtime }: ClientInfo, cname: PrincipalName, time: number): boolean {
  // KDCs write the components with a slash between them; some quote what is in them, as in the text of a principal.
  const components = cname.nameString;
  const texts = [components.join("/"), formatNameText({ components, realm: undefined })];
  return texts.includes(name) && Math.floor(authtime / 1000) === Math.floor(time / 1000);
}

/** Writes a CLIENT_INFO buffer. */
export function writeClientInfo({ name, authtime }: ClientInfo): Bytes {
  const time = BigInt(authtime + EPOCH) * PER_MILLISECOND;
  const bytes = utf16Bytes(name);
  return new ByteWriter().u32(Number(time & 0xffffffffn), true).u32(Number(time >> 32n), true)
    .u16(bytes.length, true).bytes(bytes).finish();
}
