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
import { type Decoded, type Endpoint, readName } from "./address.ts";
import { formatIp, parseIp } from "./ip.ts";

/** A request. What it says of the user is a claim, and not kept. */
export interface Socks4Request extends Endpoint {
  /** CD field: 1 for CONNECT, 2 for BIND. */
  readonly command: number;
}

/** Bytes before the user's name. */
const HEAD = 8;
/** Bytes that a name of a user or host may have. */
const MAX_NAME = 255;

/** Reads a request; `undefined` while bytes are missing. */
export function decodeSocks4Request(bytes: Uint8Array): Decoded<Socks4Request> | undefined {
  if (bytes.length >= 1 && bytes[0] !== 4) {
    throw new SocksProtocolError("BAD_VERSION", `Cannot read message: version ${bytes[0]} came, 4 is wanted`);
  }
  const userEnd = endOfName(bytes, HEAD, "user");
  if (userEnd === undefined) return undefined;
  const [command, port] = [bytes[1]!, (bytes[2]! << 8) | bytes[3]!];
  const address = bytes.subarray(4, HEAD);
  const named = address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] !== 0;
  if (!named) return { value: { command, port, hostname: formatIp(address) }, length: userEnd + 1 };
  const hostEnd = endOfName(bytes, userEnd + 1, "host");
  if (hostEnd === undefined) return undefined;
  return { value: { command, port, hostname: readName(bytes.subarray(userEnd + 1, hostEnd)) }, length: hostEnd + 1 };
}

function endOfName(bytes: Uint8Array, start: number, what: string): number | undefined {
  const end = bytes.indexOf(0, start);
  if (end > start + MAX_NAME || (end < 0 && bytes.length > start + MAX_NAME)) {
    throw new SocksProtocolError("TOO_LARGE", `Cannot read message: the ${what}'s name is longer than ${MAX_NAME}`);
  }
  return end < 0 || bytes.length < start ? undefined : end;
}

/** A reply: granted or rejected, with an IPv4 address, or 0.0.0.0 where the address is another. */
export function encodeSocks4Reply(granted: boolean, { hostname, port }: Endpoint): Bytes {
  const bytes = parseIp(hostname);
  const address = bytes?.length === 4 ? bytes : new Uint8Array(4);
  return Uint8Array.of(0, granted ? 0x5a : 0x5b, port >> 8, port & 0xff, ...address);
}
