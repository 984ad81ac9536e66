/**
 * Messages of SOCKS version 5 (RFC 1928). Decoders return `undefined` while bytes are missing, and how many bytes a message took;
 * they hold no policy.
 *
 * @module
 */
import { type Bytes, concat } from "../../base/bytes.ts";
import { SocksProtocolError, SocksReplyError } from "../errors.ts";
import { decodeEndpoint, encodeEndpoint, type Endpoint } from "./address.ts";
import { checkVersion, type Decoded } from "./decoded.ts";

/** Methods (RFC 1928 section 3). */
export const Method = { None: 0x00, Gssapi: 0x01, Password: 0x02, NoneAcceptable: 0xff } as const;

/** Commands (RFC 1928 section 4), and Tor's RESOLVE and RESOLVE_PTR (socks-extensions.txt). */
export const Command = { Connect: 1, Bind: 2, UdpAssociate: 3, Resolve: 0xf0, ResolvePtr: 0xf1 } as const;

const VERSION = 5;

/**
 * Encodes the client's first message (RFC 1928 section 3):
 *
 * ```text
 * +----+----------+----------+
 * |VER | NMETHODS | METHODS  |
 * +----+----------+----------+
 * | 1  |    1     | 1 to 255 |
 * +----+----------+----------+
 * ```
 */
export function encodeOffer(methods: readonly number[]): Bytes {
  if (methods.length < 1 || methods.length > 255) throw new RangeError(`Cannot offer ${methods.length} methods`);
  return Uint8Array.of(VERSION, methods.length, ...methods);
}

/** Decodes {@linkcode encodeOffer}'s message. */
export function decodeOffer(bytes: Uint8Array): Decoded<readonly number[]> | undefined {
  const [version, count] = bytes;
  checkVersion(version, VERSION);
  if (count === undefined || bytes.length < 2 + count) return undefined;
  return { value: [...bytes.subarray(2, 2 + count)], length: 2 + count };
}

/** Encodes the server's answer (RFC 1928 section 3): `VER METHOD`. */
export function encodeChoice(method: number): Bytes {
  return Uint8Array.of(VERSION, method);
}

/** Decodes {@linkcode encodeChoice}'s message. */
export function decodeChoice(bytes: Uint8Array): Decoded<number> | undefined {
  const [version, method] = bytes;
  checkVersion(version, VERSION);
  return method === undefined ? undefined : { value: method, length: 2 };
}

/** A client's request. */
export interface Request extends Endpoint {
  /** CMD field. */
  readonly command: number;
}

/**
 * Encodes a request (RFC 1928 section 4):
 *
 * ```text
 * +----+-----+-------+------+----------+----------+
 * |VER | CMD |  RSV  | ATYP | DST.ADDR | DST.PORT |
 * +----+-----+-------+------+----------+----------+
 * | 1  |  1  | X'00' |  1   | Variable |    2     |
 * +----+-----+-------+------+----------+----------+
 * ```
 */
export function encodeRequest(request: Request): Bytes {
  return concat(Uint8Array.of(VERSION, request.command, 0), encodeEndpoint(request));
}

/** Decodes {@linkcode encodeRequest}'s message. */
export function decodeRequest(bytes: Uint8Array): Decoded<Request> | undefined {
  const decoded = decodeHeaded(bytes);
  return decoded && { value: { command: bytes[1]!, ...decoded.value }, length: decoded.length };
}

/** A server's reply. */
export interface Reply extends Endpoint {
  /** REP field, 0 for success. */
  readonly reply: number;
}

/**
 * Encodes a reply (RFC 1928 section 6): as a request, with REP for CMD and BND.ADDR for DST.ADDR. The zone that a local address may have
 * is left out.
 */
export function encodeReply({ reply, hostname, port }: Reply): Bytes {
  return concat(Uint8Array.of(VERSION, reply, 0), encodeEndpoint({ hostname: hostname.replace(/%[^%]*$/, ""), port }));
}

/**
 * Decodes {@linkcode encodeReply}'s message. Of a refusal only the first two bytes are read: the others mean nothing, and some servers leave
 * them out.
 *
 * @throws {SocksProtocolError} When the version is wrong, or the address of a success cannot be decoded.
 */
export function decodeReply(bytes: Uint8Array): Decoded<Reply> | undefined {
  checkVersion(bytes[0], VERSION);
  const reply = bytes[1];
  if (reply === undefined) return undefined;
  if (reply !== 0) return { value: { reply, hostname: "0.0.0.0", port: 0 }, length: bytes.length };
  try {
    const decoded = decodeHeaded(bytes);
    return decoded && { value: { reply, ...decoded.value }, length: decoded.length };
  } catch (cause) {
    // The code for a bad request would look like the proxy's reply.
    if (!(cause instanceof SocksReplyError)) throw cause;
    throw new SocksProtocolError("BAD_MESSAGE", `Cannot read reply: ${cause.message}`, { cause });
  }
}

/** RSV is ignored: RFC 1928 section 4 says what senders set, not what receivers check. */
function decodeHeaded(bytes: Uint8Array): Decoded<Endpoint> | undefined {
  checkVersion(bytes[0], VERSION);
  if (bytes.length < 4) return undefined;
  const address = decodeEndpoint(bytes.subarray(3));
  return address && { value: address.value, length: 3 + address.length };
}

/** Returns the name of a method, for messages. */
export function methodName(method: number): string {
  const names: Readonly<Record<number, string>> = { 0: "none", 1: "gssapi", 2: "password", 255: "none acceptable" };
  return names[method] ?? `method ${method}`;
}
