/**
 * Messages of SOCKS version 5 (RFC 1928) and of its username/password method (RFC 1929). Decoders give `undefined` while
 * bytes are missing and say how many they took; they hold no policy.
 *
 * @module
 */
import { type Bytes, concat, utf8 } from "../../base/bytes.ts";
import { SocksProtocolError, SocksReplyError } from "../errors.ts";
import { type Decoded, decodeEndpoint, encodeEndpoint, type Endpoint } from "./address.ts";

/** Methods (RFC 1928 section 3). */
export const Method = { None: 0x00, Gssapi: 0x01, Password: 0x02, NoneAcceptable: 0xff } as const;

/** Commands (RFC 1928 section 4), and Tor's two that look names and addresses up (socks-extensions.txt). */
export const Command = { Connect: 1, Bind: 2, UdpAssociate: 3, Resolve: 0xf0, ResolvePtr: 0xf1 } as const;

const VERSION = 5;
const PASSWORD_VERSION = 1;

/**
 * Client's first message (RFC 1928 section 3):
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

/** Reads {@linkcode encodeOffer}'s message. */
export function decodeOffer(bytes: Uint8Array): Decoded<readonly number[]> | undefined {
  const [version, count] = bytes;
  checkVersion(version);
  if (count === undefined || bytes.length < 2 + count) return undefined;
  return { value: [...bytes.subarray(2, 2 + count)], length: 2 + count };
}

/**
 * Server's answer (RFC 1928 section 3): `VER METHOD`.
 */
export function encodeChoice(method: number): Bytes {
  return Uint8Array.of(VERSION, method);
}

/** Reads {@linkcode encodeChoice}'s message. */
export function decodeChoice(bytes: Uint8Array): Decoded<number> | undefined {
  const [version, method] = bytes;
  checkVersion(version);
  return method === undefined ? undefined : { value: method, length: 2 };
}

/** What a client asks for. */
export interface Request extends Endpoint {
  /** CMD field. */
  readonly command: number;
}

/**
 * Request (RFC 1928 section 4):
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

/** Reads {@linkcode encodeRequest}'s message. */
export function decodeRequest(bytes: Uint8Array): Decoded<Request> | undefined {
  const decoded = decodeHeaded(bytes);
  return decoded && { value: { command: bytes[1]!, ...decoded.value }, length: decoded.length };
}

/** What a server answers. */
export interface Reply extends Endpoint {
  /** REP field, 0 for success. */
  readonly reply: number;
}

/**
 * Reply (RFC 1928 section 6): as the request, with REP and the bound address in the places of CMD and destination. A zone, which an
 * address of this machine's may have, has no place in it.
 */
export function encodeReply({ reply, hostname, port }: Reply): Bytes {
  return concat(Uint8Array.of(VERSION, reply, 0), encodeEndpoint({ hostname: hostname.replace(/%[^%]*$/, ""), port }));
}

/**
 * Reads {@linkcode encodeReply}'s message. A refusal is told by its first two bytes: what is behind them says nothing, some
 * servers leave it out, and the conversation is over.
 *
 * @throws {SocksProtocolError} When the message is of another version, or the address of a success cannot be read.
 */
export function decodeReply(bytes: Uint8Array): Decoded<Reply> | undefined {
  checkVersion(bytes[0]);
  const reply = bytes[1];
  if (reply === undefined) return undefined;
  if (reply !== 0) return { value: { reply, hostname: "0.0.0.0", port: 0 }, length: bytes.length };
  try {
    const decoded = decodeHeaded(bytes);
    return decoded && { value: { reply, ...decoded.value }, length: decoded.length };
  } catch (cause) {
    // The code of a request's refusal would be taken for the proxy's word.
    if (!(cause instanceof SocksReplyError)) throw cause;
    throw new SocksProtocolError("BAD_MESSAGE", `Cannot read reply: ${cause.message}`, { cause });
  }
}

/** The reserved byte is not looked at: RFC 1928 tells senders, not receivers, what it must be. */
function decodeHeaded(bytes: Uint8Array): Decoded<Endpoint> | undefined {
  checkVersion(bytes[0]);
  if (bytes.length < 4) return undefined;
  const address = decodeEndpoint(bytes.subarray(3));
  return address && { value: address.value, length: 3 + address.length };
}

function checkVersion(version: number | undefined, wanted: number = VERSION): void {
  if (version !== undefined && version !== wanted) {
    throw new SocksProtocolError("BAD_VERSION", `Cannot read message: version ${version} came, ${wanted} is wanted`);
  }
}

/** A name and a password. */
export interface UsernamePassword {
  readonly username: Bytes;
  readonly password: Bytes;
}

/**
 * Username and password (RFC 1929 section 2):
 *
 * ```text
 * +----+------+----------+------+----------+
 * |VER | ULEN |  UNAME   | PLEN |  PASSWD  |
 * +----+------+----------+------+----------+
 * | 1  |  1   | 1 to 255 |  1   | 1 to 255 |
 * +----+------+----------+------+----------+
 * ```
 */
export function encodeUsernamePassword(username: string, password: string): Bytes {
  const parts = [utf8(username), utf8(password)];
  for (const part of parts) {
    if (part.length < 1 || part.length > 255) {
      throw new RangeError(`Cannot encode username and password: each takes 1 to 255 bytes, one has ${part.length}`);
    }
  }
  const [name, secret] = parts as [Bytes, Bytes];
  return concat(Uint8Array.of(PASSWORD_VERSION, name.length), name, Uint8Array.of(secret.length), secret);
}

/** Reads {@linkcode encodeUsernamePassword}'s message. An empty password is taken, for whoever checks it to refuse. */
export function decodeUsernamePassword(bytes: Uint8Array): Decoded<UsernamePassword> | undefined {
  checkVersion(bytes[0], PASSWORD_VERSION);
  const nameLength = bytes[1];
  if (nameLength === undefined) return undefined;
  const passwordLength = bytes[2 + nameLength];
  if (passwordLength === undefined) return undefined;
  const length = 3 + nameLength + passwordLength;
  if (bytes.length < length) return undefined;
  const username = bytes.slice(2, 2 + nameLength) as Bytes;
  return { value: { username, password: bytes.slice(3 + nameLength, length) as Bytes }, length };
}

/** Answer to username and password (RFC 1929 section 2): `VER STATUS`, 0 for success. */
export function encodePasswordStatus(accepted: boolean): Bytes {
  return Uint8Array.of(PASSWORD_VERSION, accepted ? 0 : 1);
}

/** Reads {@linkcode encodePasswordStatus}'s message. */
export function decodePasswordStatus(bytes: Uint8Array): Decoded<boolean> | undefined {
  checkVersion(bytes[0], PASSWORD_VERSION);
  return bytes[1] === undefined ? undefined : { value: bytes[1] === 0, length: 2 };
}
