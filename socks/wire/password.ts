/**
 * Messages of the username and password method (RFC 1929).
 *
 * @module
 */
import { type Bytes, concat, utf8 } from "../../base/bytes.ts";
import { checkVersion, type Decoded } from "./decoded.ts";

const VERSION = 1;

/** A username and a password, as bytes. */
export interface UsernamePassword {
  readonly username: Bytes;
  readonly password: Bytes;
}

/**
 * Encodes the client's message (RFC 1929 section 2):
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
      throw new RangeError(
        `Cannot encode username and password: each must have 1 to 255 bytes, one has ${part.length}`,
      );
    }
  }
  const [name, secret] = parts as [Bytes, Bytes];
  return concat(Uint8Array.of(VERSION, name.length), name, Uint8Array.of(secret.length), secret);
}

/** Decodes {@linkcode encodeUsernamePassword}'s message. An empty password is accepted here; the check refuses it. */
export function decodeUsernamePassword(bytes: Uint8Array): Decoded<UsernamePassword> | undefined {
  checkVersion(bytes[0], VERSION);
  const nameLength = bytes[1];
  if (nameLength === undefined) return undefined;
  const passwordLength = bytes[2 + nameLength];
  if (passwordLength === undefined) return undefined;
  const length = 3 + nameLength + passwordLength;
  if (bytes.length < length) return undefined;
  const username = bytes.slice(2, 2 + nameLength) as Bytes;
  return { value: { username, password: bytes.slice(3 + nameLength, length) as Bytes }, length };
}

/** Encodes the server's answer (RFC 1929 section 2): `VER STATUS`, 0 for success. */
export function encodePasswordStatus(accepted: boolean): Bytes {
  return Uint8Array.of(VERSION, accepted ? 0 : 1);
}

/** Decodes {@linkcode encodePasswordStatus}'s message. */
export function decodePasswordStatus(bytes: Uint8Array): Decoded<boolean> | undefined {
  checkVersion(bytes[0], VERSION);
  return bytes[1] === undefined ? undefined : { value: bytes[1] === 0, length: 2 };
}
