/**
 * Addresses in requests, replies and datagrams (RFC 1928 sections 4 to 7):
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
import type { Decoded } from "./decoded.ts";
import { type Bytes, concat, exactText, utf8 } from "../../base/bytes.ts";
import { SocksProtocolError, SocksReplyError } from "../errors.ts";
import { hostName, HostNameError } from "./host_name.ts";
import { formatIp, parseIp, unmapped } from "./ip.ts";

/** A host and a port. */
export interface Endpoint {
  /** Host name or address. This package returns the normal form: A-labels in lower case, addresses without brackets. */
  readonly hostname: string;
  /** Port, 0 to 65535. */
  readonly port: number;
}

const IPV4 = 1;
const DOMAIN = 3;
const IPV6 = 4;

/**
 * Encodes ATYP, address and port. The host is sent in normal form. A name that is too long is an error; it is never resolved here.
 *
 * @throws {HostNameError} When the host is not valid.
 * @throws {RangeError} When the port is not valid.
 */
export function encodeEndpoint(endpoint: Endpoint): Bytes {
  const { port } = endpoint;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`Cannot encode address: port ${port}`);
  const tail = Uint8Array.of(port >> 8, port & 0xff);
  const hostname = hostName(endpoint.hostname);
  const ip = parseIp(hostname);
  if (ip !== undefined) return concat(Uint8Array.of(ip.length === 4 ? IPV4 : IPV6), ip, tail);
  const name = utf8(hostname);
  return concat(Uint8Array.of(DOMAIN, name.length), name, tail);
}

/**
 * Decodes ATYP, address and port; `undefined` while bytes are missing.
 *
 * @throws {SocksReplyError} `ADDRESS_TYPE_NOT_SUPPORTED`
 * @throws {SocksProtocolError} `BAD_MESSAGE` when the name is not a host name.
 */
export function decodeEndpoint(bytes: Uint8Array): Decoded<Endpoint> | undefined {
  const [type, nameLength] = bytes;
  if (type === undefined) return undefined;
  if (type !== IPV4 && type !== IPV6 && type !== DOMAIN) {
    throw new SocksReplyError("ADDRESS_TYPE_NOT_SUPPORTED", `Cannot use address: type ${type} is not defined`);
  }
  if (type === DOMAIN && nameLength === undefined) return undefined;
  const start = type === DOMAIN ? 2 : 1;
  const end = start + (type === IPV4 ? 4 : type === IPV6 ? 16 : nameLength!);
  if (bytes.length < end + 2) return undefined;
  const host = bytes.subarray(start, end);
  const hostname = type === DOMAIN ? readName(host) : formatIp(unmapped(host));
  const port = (bytes[end]! << 8) | bytes[end + 1]!;
  return { value: Object.freeze({ hostname, port }), length: end + 2 };
}

/**
 * Returns the normal form of a host that a peer sent as a name. Some peers send an address as a name; it becomes that address, so that
 * no rule is bypassed.
 *
 * @throws {SocksProtocolError} `BAD_MESSAGE` when the name is not a host name.
 */
export function readName(bytes: Uint8Array): string {
  try {
    return hostName(exactText(bytes));
  } catch (cause) {
    const problem = cause instanceof HostNameError ? cause.message : "Cannot use host: its name is not UTF-8";
    throw new SocksProtocolError("BAD_MESSAGE", problem, { cause });
  }
}

/** `[v6%zone]`, in a URL `[v6%25zone]` (RFC 6874 section 2), and what may be behind it. */
const ZONED = /^\[([0-9A-Fa-f:.]+)%(?:25)?([0-9A-Za-z._~-]+)\]((?::\d{1,5})?)$/;

/**
 * As {@linkcode parseEndpointText}, for what this machine itself reaches or listens at: an IPv6 address may have the zone that it is
 * good in (RFC 4007 section 11), `[fe80::1%eth0]:1080`.
 *
 * @throws {TypeError} When the text is neither.
 */
export function parseLocalEndpointText(text: string, defaultPort?: number): Endpoint {
  const [, address, zone, port] = ZONED.exec(text) ?? [];
  if (address === undefined) return parseEndpointText(text, defaultPort);
  const endpoint = parseEndpointText(`[${address}]${port}`, defaultPort);
  return { ...endpoint, hostname: `${endpoint.hostname}%${zone}` };
}

/** `host:port`, with brackets around IPv6. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.hostname.includes(":")
    ? `[${endpoint.hostname}]:${endpoint.port}`
    : `${endpoint.hostname}:${endpoint.port}`;
}

/**
 * Reads `host:port`, `[v6]:port`, or the host alone where a default port is given. The host comes out in its one form: names in
 * A-labels, addresses canonical.
 *
 * @throws {TypeError} When the text is neither.
 */
export function parseEndpointText(text: string, defaultPort?: number): Endpoint {
  const parts = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]/\s@]+)(?::(\d{1,5}))?$/.exec(text);
  const port = parts?.[2] === undefined ? defaultPort : Number(parts[2]);
  if (parts === null || port === undefined || port > 65_535) {
    throw new TypeError(`Cannot read ${JSON.stringify(text)}: HOST:PORT wanted, with brackets around an IPv6 address`);
  }
  try {
    return { hostname: hostName(parts[1]!), port };
  } catch (cause) {
    throw new TypeError(`Cannot read ${JSON.stringify(text)}: ${(cause as Error).message}`, { cause });
  }
}
