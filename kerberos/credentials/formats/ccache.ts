/**
 * Credential cache files in MIT's format: version 4 read and written, versions 1 to 3 read.
 *
 * @module
 */
import { asBytes, ByteReader, type Bytes, bytesOf, ByteWriter, exactText, utf8 } from "../../../base/bytes.ts";
import { KerberosKey } from "../../crypto/key.ts";
import { KerberosError } from "../../errors.ts";
import type { AuthorizationDataElement, HostAddress } from "../../messages/basic.ts";
import { type Principal, principal } from "../../principal.ts";
import { Credential } from "../../credential.ts";
import type { CredentialCacheData } from "../cache.ts";

const MAX_CREDENTIALS = 10_000;
const DELTA_TIME = 1;

/**
 * Decodes a cache file.
 *
 * @throws {TypeError} If the argument is no bytes.
 * @throws {KerberosError} `BAD_FILE`
 *
 * @example
 * ```ts
 * import { decodeCcache } from "@gssocks/gssocks/kerberos";
 *
 * export function principal(file: Uint8Array): string {
 *   return decodeCcache(file).principal.components.join("/");
 * }
 * ```
 */
export function decodeCcache(bytes: Uint8Array): CredentialCacheData {
  const given = asBytes(bytesOf(bytes, "read credential cache out of"));
  try {
    return new CcacheReader(given).read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KerberosError("BAD_FILE", `Cannot read credential cache: ${error.message}`, { cause: error });
  }
}

class CcacheReader {
  readonly #in: ByteReader;
  readonly #version: number;
  /** Versions 1 and 2 are in the byte order of the machine that wrote them; the files that still exist are little-endian. */
  readonly #little: boolean;

  constructor(bytes: Uint8Array) {
    this.#in = new ByteReader(bytes);
    const first = this.#in.u8();
    this.#version = this.#in.u8();
    if (first !== 5 || this.#version < 1 || this.#version > 4) {
      throw new KerberosError("BAD_FILE", `Cannot read credential cache: it starts with ${first} ${this.#version}`);
    }
    this.#little = this.#version < 3;
  }

  read(): CredentialCacheData {
    const kdcOffset = this.#version === 4 ? this.#header() : undefined;
    const owner = this.#principal();
    const credentials: Credential[] = [];
    while (this.#in.remaining > 0) {
      credentials.push(this.#credential());
      if (credentials.length > MAX_CREDENTIALS) {
        throw new KerberosError("BAD_FILE", `Cannot read credential cache: over ${MAX_CREDENTIALS} tickets`);
      }
    }
    return { principal: owner, credentials, ...(kdcOffset === undefined ? {} : { kdcOffset }) };
  }

  #header(): number | undefined {
    const header = new ByteReader(this.#in.take(this.#in.u16()));
    let offset: number | undefined;
    while (header.remaining > 0) {
      const tag = header.u16();
      const value = new ByteReader(header.take(header.u16()));
      if (tag === DELTA_TIME) offset = value.i32() * 1000 + value.i32() / 1000;
    }
    return offset;
  }

  #u32(): number {
    return this.#in.u32(this.#little);
  }

  #u16(): number {
    return this.#in.u16(this.#little);
  }

  #data(): Bytes {
    return this.#in.take(this.#u32()).slice();
  }

  #text(): string {
    return exactText(this.#data());
  }

  #list<T>(item: () => T): T[] {
    const count = this.#u32();
    // Every element takes at least four bytes, so a larger count is wrong before any memory is allocated for it.
    if (count > this.#in.remaining / 4) throw new RangeError(`${count} elements in ${this.#in.remaining} bytes`);
    return Array.from({ length: count }, item);
  }

  #principal(): Principal {
    // Version 1 has no name type and counts the realm as a component.
    const nameType = this.#version === 1 ? 1 : this.#u32();
    const count = this.#u32() - (this.#version === 1 ? 1 : 0);
    if (count < 0 || count > this.#in.remaining / 4) throw new RangeError(`Cannot decode: ${count} components`);
    const realm = this.#text();
    return principal(realm, Array.from({ length: count }, () => this.#text()), nameType);
  }

  #credential(): Credential {
    const client = this.#principal();
    const server = this.#principal();
    const enctype = this.#u16();
    if (this.#version === 3) this.#u16();
    const key = new KerberosKey(enctype, this.#data());
    const [authtime, starttime, endtime, renewTill] = [this.#u32(), this.#u32(), this.#u32(), this.#u32()];
    const isSkey = this.#in.u8() !== 0;
    const flags = this.#u32();
    const addresses = this.#list((): HostAddress => ({ addrType: this.#u16(), address: this.#data() }));
    const authdata = this.#list((): AuthorizationDataElement => ({ adType: this.#u16(), adData: this.#data() }));
    const ticket = this.#data();
    const secondTicket = this.#data();
    const times = {
      authtime: authtime! * 1000,
      starttime: starttime! * 1000,
      endtime: endtime! * 1000,
      renewTill: renewTill! * 1000,
    };
    return new Credential({ client, server, key, ...times, isSkey, flags, addresses, authdata, ticket, secondTicket });
  }
}

/** Whether a file begins as a credential cache does: every version of the format begins with 5 and its number. */
export function isCcache(start: Uint8Array): boolean {
  return start[0] === 5 && start[1]! >= 1 && start[1]! <= 4;
}

/**
 * Returns the bytes of a version 4 cache file.
 *
 * @example
 * ```ts
 * import { decodeCcache, encodeCcache, parsePrincipal } from "@gssocks/gssocks/kerberos";
 *
 * const file = encodeCcache({ principal: parsePrincipal("alice@EXAMPLE.COM"), credentials: [] });
 * if (decodeCcache(file).principal.realm !== "EXAMPLE.COM") throw new Error("another client");
 * ```
 */
export function encodeCcache(data: CredentialCacheData): Bytes {
  const out = new ByteWriter().u16(0x0504);
  const { kdcOffset } = data;
  if (kdcOffset === undefined) {
    out.u16(0);
  } else {
    const seconds = Math.trunc(kdcOffset / 1000);
    out.u16(12).u16(DELTA_TIME).u16(8).u32(seconds).u32(Math.round((kdcOffset - seconds * 1000) * 1000));
  }
  writePrincipal(out, data.principal);
  for (const credential of data.credentials) writeCredential(out, credential);
  return out.finish();
}

function writeData(out: ByteWriter, bytes: Uint8Array): void {
  out.u32(bytes.length).bytes(bytes);
}

function writePrincipal(out: ByteWriter, name: Principal): void {
  out.u32(name.nameType).u32(name.components.length);
  for (const part of [name.realm, ...name.components]) writeData(out, utf8(part));
}

function writeCredential(out: ByteWriter, credential: Credential): void {
  writePrincipal(out, credential.client);
  writePrincipal(out, credential.server);
  out.u16(credential.key.enctype);
  writeData(out, credential.key.exportBytes());
  const { authtime, starttime, endtime, renewTill } = credential;
  for (const time of [authtime, starttime, endtime, renewTill]) out.u32(Math.floor(time / 1000));
  out.u8(credential.isSkey ? 1 : 0).u32(credential.flags);
  out.u32(credential.addresses.length);
  for (const { addrType, address } of credential.addresses) writeData(out.u16(addrType), address);
  out.u32(credential.authdata.length);
  for (const { adType, adData } of credential.authdata) writeData(out.u16(adType), adData);
  writeData(out, credential.ticket);
  writeData(out, credential.secondTicket);
}
