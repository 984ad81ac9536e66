/**
 * Keytabs: the long-term keys of services, in MIT's file format, version 2 read and written, version 1 read.
 *
 * @module
 */
import { asBytes, ByteReader, type Bytes, bytesOf, ByteWriter, EMPTY, exactText, utf8 } from "../../../base/bytes.ts";
import type { WantedKey } from "../../ap/keys.ts";
import { KerberosKey } from "../../crypto/key.ts";
import { isSupported } from "../../crypto/enctypes.ts";
import { KerberosError } from "../../errors.ts";
import { formatPrincipal, type Principal, principal, samePrincipal } from "../../principal.ts";

/** One key of one principal. */
export interface KeytabEntry {
  /** Principal that the key belongs to. */
  readonly principal: Principal;
  /** Key version number. */
  readonly kvno: number;
  /** The key. */
  readonly key: KerberosKey;
  /** When it was written, in milliseconds since the epoch. @default {0} */
  readonly timestamp?: number;
}

/** Keys of a service. */
export interface KeySource {
  /**
   * Returns the keys that may decrypt a ticket, best first: those of the principal and kvno wanted, then its other ones from the
   * newest down, then those of the other principals, since a service may have several names.
   */
  candidates(wanted: WantedKey): readonly KeytabEntry[];
  /** Returns lines such as `rcmd/host@REALM kvno 3 aes256-cts-hmac-sha1-96`, for messages. */
  describe(): readonly string[];
  /**
   * Called when none of the keys decrypts a ticket. Looks for new keys. Any client can cause the call, so it must be cheap. Never
   * rejects.
   *
   * @returns Whether there are new keys.
   * @default {the keys stay what they are}
   */
  renewed?(): Promise<boolean>;
}

/** The format has no limit; this one bounds the time that a wrong file can take. */
const MAX_RECORDS = 10_000;

/**
 * A keytab in memory.
 *
 * @example
 * ```ts
 * import { Keytab, KerberosKey, parsePrincipal } from "@gssocks/gssocks/kerberos";
 *
 * const service = parsePrincipal("rcmd/proxy.example.com@EXAMPLE.COM");
 * const keytab = new Keytab([{ principal: service, kvno: 1, key: KerberosKey.generate(18) }]);
 * const again = Keytab.decode(keytab.encode());
 * if (again.entries.length !== 1) throw new Error("entry lost");
 * ```
 */
export class Keytab implements KeySource {
  /** The entries, in file order. */
  readonly entries: readonly KeytabEntry[];
  readonly #sorted = new Map<number, SortedKeys>();
  #described: readonly string[] | undefined;

  /**
   * Creates a keytab.
   *
   * @param entries The entries.
   */
  constructor(entries: readonly KeytabEntry[]) {
    this.entries = Object.freeze([...entries]);
  }

  /**
   * Decodes a keytab file. Holes in it are skipped, and so is an entry that is damaged or has a key of a wrong length: it spoils
   * nothing but itself.
   *
   * @throws {TypeError} If the argument is no bytes.
   * @throws {KerberosError} `BAD_FILE`, also if there are entries and none of them is good.
   */
  static decode(bytes: Uint8Array): Keytab {
    const given = asBytes(bytesOf(bytes, "read keytab out of"));
    try {
      return new Keytab(decodeEntries(new ByteReader(given)));
    } catch (error) {
      if (error instanceof RangeError) {
        throw new KerberosError("BAD_FILE", `Cannot read keytab: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }

  /** Returns the bytes of a version 2 keytab file. */
  encode(): Bytes {
    const out = new ByteWriter().u16(0x0502);
    for (const entry of this.entries) {
      const record = encodeEntry(entry);
      out.u32(record.length).bytes(record);
    }
    return out.finish();
  }

  /** See {@linkcode KeySource.candidates}. */
  candidates(wanted: WantedKey): readonly KeytabEntry[] {
    const { all, byOwner } = this.#keysOf(wanted.enctype);
    if (all.length === 1) return all;
    const own = byOwner.get(nameKey(wanted.service)) ?? [];
    // An entry that appears twice keeps its first place.
    return [...new Set([...own.filter(({ kvno }) => kvno === wanted.kvno), ...own, ...all])];
  }

  /** Keys of one enctype, newest first. They are sorted once: any client can cause this call, any number of times. */
  #keysOf(enctype: number): SortedKeys {
    let sorted = this.#sorted.get(enctype);
    if (sorted === undefined) {
      const usable = this.entries.filter(({ key }) => key.enctype === enctype && isSupported(enctype));
      const all = usable.sort((a, b) => b.kvno - a.kvno);
      sorted = { all, byOwner: Map.groupBy(all, (entry) => nameKey(entry.principal)) };
      if (all.length > 0) this.#sorted.set(enctype, sorted);
    }
    return sorted;
  }

  /** Returns the newest key of a principal; of several, the one whose enctype comes first in the list. */
  newestKey(owner: Principal, enctypes: readonly number[]): KeytabEntry | undefined {
    const own = this.entries.filter((entry) => samePrincipal(entry.principal, owner) && isSupported(entry.key.enctype));
    const newest = Math.max(...own.map((entry) => entry.kvno));
    const usable = own.filter((entry) => entry.kvno === newest && enctypes.includes(entry.key.enctype));
    return usable.sort((a, b) => enctypes.indexOf(a.key.enctype) - enctypes.indexOf(b.key.enctype))[0];
  }

  /** See {@linkcode KeySource.describe}. */
  describe(): readonly string[] {
    return this.#described ??= Object.freeze(
      this.entries.map(({ principal, kvno, key }) => `${formatPrincipal(principal)} kvno ${kvno} ${key.enctypeName}`),
    );
  }
}

/** Keys of one enctype, newest first. */
interface SortedKeys {
  readonly all: readonly KeytabEntry[];
  readonly byOwner: ReadonlyMap<string, readonly KeytabEntry[]>;
}

/** A text that is unique to a principal. */
function nameKey({ realm, components }: Principal): string {
  return JSON.stringify([realm, ...components]);
}

/** Whether a file may be a keytab: both versions begin with 5 (RFC 1510's version of the protocol), and no text does. */
export function mayBeKeytab(start: Uint8Array): boolean {
  return start[0] === 5;
}

function decodeEntries(reader: ByteReader): KeytabEntry[] {
  const version = reader.u16();
  if (version !== 0x0501 && version !== 0x0502) {
    const begins = version.toString(16).padStart(4, "0");
    throw new KerberosError(
      "BAD_FILE",
      `Cannot read keytab: it begins with 0x${begins}, and a keytab with 0x0502 or 0x0501; name another file, or extract the keytab again`,
    );
  }
  // Version 1 is in the byte order of the machine that wrote it; the files that still exist are little-endian.
  const old = version === 0x0501;
  const entries: KeytabEntry[] = [];
  let bad: Error | undefined;
  for (const record of recordsOf(reader, old)) {
    try {
      entries.push(decodeEntry(new ByteReader(record ?? EMPTY), old));
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof KerberosError)) throw error;
      bad ??= error;
    }
  }
  if (entries.length === 0 && bad !== undefined) {
    throw new KerberosError("BAD_FILE", `Cannot read keytab: it has no good entry: ${bad.message}`, { cause: bad });
  }
  return entries;
}

/** The records of a file without its holes; `undefined` for one that is cut, which is the last one. */
function* recordsOf(reader: ByteReader, old: boolean): Generator<Bytes | undefined> {
  for (let count = 0; reader.remaining >= 4; count++) {
    if (count > MAX_RECORDS) {
      throw new KerberosError("BAD_FILE", `Cannot read keytab: over ${MAX_RECORDS} entries`);
    }
    const size = reader.i32(old);
    if (size === 0) return;
    const cut = Math.abs(size) > reader.remaining;
    const record = reader.take(cut ? reader.remaining : Math.abs(size));
    if (size > 0) yield cut ? undefined : record;
  }
}

function decodeEntry(reader: ByteReader, old: boolean): KeytabEntry {
  const text = () => exactText(reader.take(reader.u16(old)));
  // Version 1 counts the realm as a component.
  const count = reader.u16(old) - (old ? 1 : 0);
  const realm = text();
  const components = Array.from({ length: Math.max(count, 0) }, text);
  const nameType = old ? 1 : reader.u32();
  const timestamp = reader.u32(old) * 1000;
  let kvno = reader.u8();
  const enctype = reader.u16(old);
  const bytes = reader.take(reader.u16(old));
  // A 32-bit version number may follow the key; zero means that it is not set.
  if (reader.remaining >= 4) kvno = reader.u32(old) || kvno;
  return { principal: principal(realm, components, nameType), kvno, timestamp, key: new KerberosKey(enctype, bytes) };
}

function encodeEntry(entry: KeytabEntry): Bytes {
  const { principal: owner, kvno, key, timestamp = 0 } = entry;
  const out = new ByteWriter().u16(owner.components.length);
  for (const part of [owner.realm, ...owner.components]) {
    const bytes = utf8(part);
    out.u16(bytes.length).bytes(bytes);
  }
  const secret = key.exportBytes();
  return out.u32(owner.nameType).u32(Math.floor(timestamp / 1000)).u8(kvno & 0xff)
    .u16(key.enctype).u16(secret.length).bytes(secret).u32(kvno).finish();
}
