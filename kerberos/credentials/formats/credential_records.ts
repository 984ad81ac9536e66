/**
 * Principals and credentials as MIT's format has them: in cache files, and in messages to a KCM daemon (version 4).
 *
 * @module
 */
import { type ByteReader, type Bytes, type ByteWriter, exactText, utf8 } from "../../../base/bytes.ts";
import { Credential } from "../../credential.ts";
import { KerberosKey } from "../../crypto/key.ts";
import { KerberosError } from "../../errors.ts";
import type { AuthorizationDataElement, HostAddress } from "../../messages/basic.ts";
import { type Principal, principal } from "../../principal.ts";

/** Realm of a setting that MIT's programs have removed from a file. */
const REMOVED_SETTING = "X-RMED-CONF:";

/** A credential as it stands in a record: nothing of it is checked yet. */
interface RawCredential {
  readonly client: RawPrincipal;
  readonly server: RawPrincipal;
  readonly enctype: number;
  readonly key: Bytes;
  /** Time of authentication, start, end, and end of renewal, in seconds. */
  readonly times: readonly number[];
  readonly isSkey: boolean;
  readonly flags: number;
  readonly addresses: readonly HostAddress[];
  readonly authdata: readonly AuthorizationDataElement[];
  readonly ticket: Bytes;
  readonly secondTicket: Bytes;
}

interface RawPrincipal {
  readonly nameType: number;
  readonly realm: Bytes;
  readonly components: readonly Bytes[];
}

/** Reads records one after another. A record that is cut ends in a `RangeError`. */
export class RecordReader {
  readonly #in: ByteReader;
  readonly #version: number;
  /** Versions 1 and 2 are in the byte order of the machine that wrote them; the files that still exist are little-endian. */
  readonly #little: boolean;

  constructor(bytes: ByteReader, version: number) {
    this.#in = bytes;
    this.#version = version;
    this.#little = version < 3;
  }

  /**
   * Reads a principal.
   *
   * @throws {RangeError} If it is cut, or a name is not UTF-8.
   */
  principal(): Principal {
    return principalOf(this.#principal());
  }

  /**
   * Reads a credential.
   *
   * @returns `undefined` for one that is of no use to anyone: it was removed, its key has not the length of its enctype, or a name is
   * not UTF-8. It spoils nothing but itself.
   * @throws {RangeError} If it is cut.
   */
  credential(): Credential | undefined {
    const raw = this.#credential();
    try {
      const credential = credentialOf(raw);
      return isRemoved(credential) ? undefined : credential;
    } catch (error) {
      if (error instanceof RangeError || (error instanceof KerberosError && error.code === "BAD_KEY")) return undefined;
      throw error;
    }
  }

  #credential(): RawCredential {
    const [client, server] = [this.#principal(), this.#principal()];
    const enctype = this.#u16();
    if (this.#version === 3) this.#u16();
    const key = this.#data();
    const times = [this.#u32(), this.#u32(), this.#u32(), this.#u32()];
    const isSkey = this.#in.u8() !== 0;
    const flags = this.#u32();
    const addresses = this.#list(() => ({ addrType: this.#u16(), address: this.#data() }));
    const authdata = this.#list(() => ({ adType: this.#u16(), adData: this.#data() }));
    const [ticket, secondTicket] = [this.#data(), this.#data()];
    return { client, server, enctype, key, times, isSkey, flags, addresses, authdata, ticket, secondTicket };
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

  #list<T>(item: () => T): T[] {
    const count = this.#u32();
    // Every element takes at least four bytes, so a larger count is wrong before any memory is allocated for it.
    if (count > this.#in.remaining / 4) throw new RangeError(`${count} elements in ${this.#in.remaining} bytes`);
    return Array.from({ length: count }, item);
  }

  #principal(): RawPrincipal {
    // Version 1 has no name type and counts the realm as a component.
    const nameType = this.#version === 1 ? 1 : this.#u32();
    const count = this.#u32() - (this.#version === 1 ? 1 : 0);
    if (count < 0 || count > this.#in.remaining / 4) throw new RangeError(`Cannot decode: ${count} components`);
    const realm = this.#data();
    return { nameType, realm, components: Array.from({ length: count }, () => this.#data()) };
  }
}

function principalOf({ nameType, realm, components }: RawPrincipal): Principal {
  return principal(exactText(realm), components.map(exactText), nameType);
}

function credentialOf({ client, server, enctype, key, times, ...rest }: RawCredential): Credential {
  const [authtime, starttime, endtime, renewTill] = times.map((seconds) => seconds * 1000);
  return new Credential({
    ...rest,
    client: principalOf(client),
    server: principalOf(server),
    key: new KerberosKey(enctype, key),
    authtime: authtime!,
    // A KDC that grants no start time means the time of authentication (RFC 4120 section 5.3).
    starttime: starttime! || authtime!,
    endtime: endtime!,
    renewTill: renewTill!,
  });
}

/**
 * Whether a program has removed the credential from a file, where the bytes of what follows stay in place: MIT's and Heimdal's set the
 * end to zero, and MIT's give a setting another realm. A setting that was not removed has no times at all.
 */
function isRemoved(credential: Credential): boolean {
  return credential.server.realm === REMOVED_SETTING || (credential.endtime === 0 && credential.authtime !== 0);
}

function writeData(out: ByteWriter, bytes: Uint8Array): void {
  out.u32(bytes.length).bytes(bytes);
}

/** Writes a principal in version 4. */
export function writePrincipal(out: ByteWriter, name: Principal): void {
  out.u32(name.nameType).u32(name.components.length);
  for (const part of [name.realm, ...name.components]) writeData(out, utf8(part));
}

/** Writes a credential in version 4. */
export function writeCredential(out: ByteWriter, credential: Credential): void {
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
