/**
 * Messages of SOCKS version 4 and 4A (Ying-Da Lee's memoranda "SOCKS: A protocol for TCP proxy across firewalls" and
 * "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol"):
 *
 * ```text
 * +----+----+---------+-------+----------+------+----------------+
 * | VN | CD | DSTPORT | DSTIP |  USERID  | NULL | [ HOST | NULL ]|
 * +----+----+---------+-------+----------+------+----------------+
 * | 1  | 1  |    2    |   4   | variable |  1   | with DSTIP 0.0.0.x |
 * +----+----+---------+-------+----------+------+----------------+
 * ```
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import { type Endpoint, readName } from "./address.ts";
import { checkVersion, type Decoded } from "./decoded.ts";
import { formatIp, parseIp } from "./ip.ts";

/** A request. USERID is not kept: it is an unverified claim. */
export interface Socks4Request extends Endpoint {
  /** CD field: 1 for CONNECT, 2 for BIND. */
  readonly command: number;
}

const VERSION = 4;

/** Bytes in front of USERID. */
const HEAD = 8;
/** Longest USERID or host name, in bytes. */
const MAX_NAME = 255;

/** Decodes a request; `undefined` while bytes are missing. */
export function decodeSocks4Request(bytes: Uint8Array): Decoded<Socks4Request> | undefined {
  checkVersion(bytes[0], VERSION);
  const userEnd = endOfName(bytes, HEAD, "USERID");
  if (userEnd === undefined) return undefined;
  const [command, port] = [bytes[1]!, (bytes[2]! << 8) | bytes[3]!];
  const address = bytes.subarray(4, HEAD);
  const named = address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] !== 0;
  if (!named) return { value: { command, port, hostname: formatIp(address) }, length: userEnd + 1 };
  const hostEnd = endOfName(bytes, userEnd + 1, "host name");
  if (hostEnd === undefined) return undefined;
  return { value: { command, port, hostname: readName(bytes.subarray(userEnd + 1, hostEnd)) }, length: hostEnd + 1 };
}

function endOfName(bytes: Uint8Array, start: number, what: string): number | undefined {
  const end = bytes.indexOf(0, start);
  if (end > start + MAX_NAME || (end < 0 && bytes.length > start + MAX_NAME)) {
    throw new SocksProtocolError("TOO_LARGE", `Cannot read message: its ${what} is longer than ${MAX_NAME} bytes`);
  }
  return end < 0 || bytes.length < start ? undefined : end;
}

/** Encodes a reply. It has room for an IPv4 address only; 0.0.0.0 stands for any other. */
export function encodeSocks4Reply(granted: boolean, { hostname, port }: Endpoint): Bytes {
  const bytes = parseIp(hostname);
  const address = bytes?.length === 4 ? bytes : new Uint8Array(4);
  return Uint8Array.of(0, granted ? 0x5a : 0x5b, port >> 8, port & 0xff, ...address);
}
