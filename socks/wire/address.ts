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
import { type EndpointParts, splitEndpoint } from "../../base/endpoint.ts";
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

/** Whether an encoded endpoint has a name, and not an address. */
export function isName(encoded: Uint8Array): boolean {
  return encoded[0] === DOMAIN;
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

/**
 * As {@linkcode parseEndpointText}, for what this machine itself reaches or listens at: an IPv6 address may have the zone that it is
 * good in (RFC 4007 section 11), `[fe80::1%eth0]:1080`, in a URL `[fe80::1%25eth0]:1080` (RFC 6874 section 2).
 *
 * @throws {TypeError} When the text is neither.
 */
export function parseLocalEndpointText(text: string, defaultPort?: number): Endpoint {
  const parts = splitEndpoint(text, defaultPort);
  if (parts?.zone === undefined || parts.zone.includes("@")) return parseEndpointText(text, defaultPort);
  const { hostname, port } = canonicalEndpoint(text, { ...parts, zone: undefined });
  return { hostname: `${hostname}%${parts.zone.replace(/^25(?=.)/, "")}`, port };
}

/**
 * `host:port`, with brackets around IPv6.
 *
 * @example
 * ```ts
 * import { formatEndpoint } from "@gssocks/gssocks/socks";
 *
 * if (formatEndpoint({ hostname: "::1", port: 1080 }) !== "[::1]:1080") throw new Error("another text");
 * ```
 */
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
 *
 * @example
 * ```ts
 * import { parseEndpointText } from "@gssocks/gssocks/socks";
 *
 * if (parseEndpointText("proxy.example.com", 1080).port !== 1080) throw new Error("another port");
 * ```
 */
export function parseEndpointText(text: string, defaultPort?: number): Endpoint {
  return canonicalEndpoint(text, splitEndpoint(text, defaultPort));
}

function canonicalEndpoint(text: string, parts: EndpointParts | undefined): Endpoint {
  if (parts === undefined || parts.zone !== undefined || parts.host.includes("@")) {
    throw new TypeError(`Cannot read ${JSON.stringify(text)}: HOST:PORT wanted, with brackets around an IPv6 address`);
  }
  try {
    return { hostname: hostName(parts.bracketed ? `[${parts.host}]` : parts.host), port: parts.port };
  } catch (cause) {
    throw new TypeError(`Cannot read ${JSON.stringify(text)}: ${(cause as Error).message}`, { cause });
  }
}
