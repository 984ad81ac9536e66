/**
 * Datagrams between a client and a relay (RFC 1928 section 7):
 *
 * ```text
 * +----+------+------+----------+----------+----------+
 * |RSV | FRAG | ATYP | DST.ADDR | DST.PORT |   DATA   |
 * +----+------+------+----------+----------+----------+
 * | 2  |  1   |  1   | Variable |    2     | Variable |
 * +----+------+------+----------+----------+----------+
 * ```
 *
 * @module
 */
import { type Bytes, concat } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import { decodeEndpoint, encodeEndpoint, type Endpoint, isName } from "./address.ts";

/** A decoded datagram. */
export interface Datagram extends Endpoint {
  /** FRAG field; 0 for a complete datagram. */
  readonly fragment: number;
  /** DATA field: a view of the input. */
  readonly data: Bytes;
}

/** Longest payload of a UDP datagram over IPv4. */
export const MAX_DATAGRAM = 65_507;

const HEADER = new Uint8Array(3);
/** Bytes of a header with a name of 255 bytes. */
const LONGEST_NAME_HEADER = 262;

/** Encodes a complete datagram to, or from, an endpoint. */
export function encodeDatagram(endpoint: Endpoint, data: Uint8Array): Bytes {
  return concat(HEADER, encodeEndpoint(endpoint), data);
}

/**
 * Returns the size of the longest header for a target of its kind (RFC 1928 section 7): 10 bytes for an IPv4 address, 262 for a
 * name, and 22 for an IPv6 address, where the RFC says 20 and forgets two.
 */
export function maxHeader(endpoint: Endpoint): number {
  const address = encodeEndpoint(endpoint);
  return isName(address) ? LONGEST_NAME_HEADER : HEADER.length + address.length;
}

/**
 * Decodes a datagram.
 *
 * @throws {SocksProtocolError} `BAD_MESSAGE` when the header is incomplete, or its name is not a host name.
 * @throws {SocksReplyError} `ADDRESS_TYPE_NOT_SUPPORTED`
 */
export function decodeDatagram(bytes: Bytes): Datagram {
  const address = decodeEndpoint(bytes.subarray(HEADER.length));
  if (address === undefined) {
    throw new SocksProtocolError("BAD_MESSAGE", `Datagram of ${bytes.length} bytes has no complete header`);
  }
  return { ...address.value, fragment: bytes[2]!, data: bytes.subarray(HEADER.length + address.length) };
}
