/**
 * Addresses as they stand in requests, replies and datagrams (RFC 1928 sections 4 to 7):
 *
 * ```text
 * +------+----------+----------+
 * | ATYP |   ADDR   |   PORT   |
 * +------+----------+----------+
 * |  1   | Variable |    2     |
 * +------+----------+----------+
 * ```
 *
 * @module
 */
import { type Bytes, concat, utf8 } from "../../gss/bytes.ts";
import { SocksProtocolError, SocksReplyError } from "../errors.ts";
import { formatIp, parseIp } from "./ip.ts";

/** A host and a port. */
export interface Endpoint {
  /** Host name, or address without brackets. */
  readonly hostname: string;
  /** Port, 0 to 65535. */
  readonly port: number;
}

/** A decoded value, and how many octets it took. */
export interface Decoded<T> {
  readonly value: T;
  readonly length: number;
}

const IPV4 = 1;
const DOMAIN = 3;
const IPV6 = 4;

/**
 * ATYP, address and port. A name of more than 255 octets is an error and never a reason to look it up here.
 *
 * @throws {RangeError} When the name or the port do not fit.
 */
export function encodeEndpoint(endpoint: Endpoint): Bytes {
  const { hostname, port } = endpoint;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`Cannot encode address: port ${port}`);
  const tail = Uint8Array.of(port >> 8, port & 0xff);
  const ip = parseIp(hostname);
  if (ip !== undefined) return concat(Uint8Array.of(ip.length === 4 ? IPV4 : IPV6), ip, tail);
  const name = utf8(hostname);
  if (name.length < 1 || name.length > 255) {
    throw new RangeError(`Cannot encode address: a name takes 1 to 255 octets, this one has ${name.length}`);
  }
  return concat(Uint8Array.of(DOMAIN, name.length), name, tail);
}

/**
 * Reads what {@linkcode encodeEndpoint} writes; `undefined` while octets are missing.
 *
 * @throws {SocksReplyError} `ADDRESS_TYPE_NOT_SUPPORTED`
 * @throws {SocksProtocolError} `BAD_MESSAGE` for a name that no host can have.
 */
export function decodeEndpoint(bytes: Uint8Array): Decoded<Endpoint> | undefined {
  const [type, nameLength] = bytes;
  if (type === undefined) return undefined;
  if (type !== IPV4 && type !== IPV6 && type !== DOMAIN) {
    throw new SocksReplyError("ADDRESS_TYPE_NOT_SUPPORTED", `Cannot use address: type ${type} is not known`);
  }
  if (type === DOMAIN && nameLength === undefined) return undefined;
  const start = type === DOMAIN ? 2 : 1;
  const end = start + (type === IPV4 ? 4 : type === IPV6 ? 16 : nameLength!);
  if (bytes.length < end + 2) return undefined;
  const host = bytes.subarray(start, end);
  const hostname = type === DOMAIN ? readName(host) : formatIp(host);
  const port = (bytes[end]! << 8) | bytes[end + 1]!;
  return { value: Object.freeze({ hostname, port }), length: end + 2 };
}

/**
 * A host name that a peer sent. Some send an address as a name; it is given as the address that it is, so that no rule is
 * got around.
 *
 * @throws {SocksProtocolError} `BAD_MESSAGE` for a name that no host can have.
 */
export function readName(octets: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch (cause) {
    throw new SocksProtocolError("BAD_MESSAGE", "Cannot use address: the name is not UTF-8", { cause });
  }
  if (text === "" || /[\s\p{Cc}/\\@?#%[\]]/u.test(text)) {
    throw new SocksProtocolError("BAD_MESSAGE", "Cannot use address: the name holds what no host name can");
  }
  const ip = parseIp(text.replace(/\.$/, ""));
  return ip === undefined ? text : formatIp(ip);
}

/** `host:port`, with brackets around IPv6. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.hostname.includes(":")
    ? `[${endpoint.hostname}]:${endpoint.port}`
    : `${endpoint.hostname}:${endpoint.port}`;
}

/**
 * Reads `host:port`, `[v6]:port`, or the host alone where a default port is given.
 *
 * @throws {TypeError} When the text is neither.
 */
export function parseEndpointText(text: string, defaultPort?: number): Endpoint {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s@]+))(?::(\d{1,5}))?$/.exec(text);
  const port = parts?.[3] === undefined ? defaultPort : Number(parts[3]);
  if (parts === null || port === undefined || port > 65_535) {
    throw new TypeError(`Cannot read ${JSON.stringify(text)}: HOST:PORT wanted, with brackets around an IPv6 address`);
  }
  return { hostname: parts[1] ?? parts[2]!, port };
}
