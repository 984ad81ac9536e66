/**
 * Keytab and cache files: the only place of the Kerberos tree, beside the configuration loader, that touches a disk.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { randomBytes } from "../../gss/runtime.ts";
import { KerberosError } from "../errors.ts";
import { type CredentialCache, withCredential } from "./cache.ts";
import { type CredentialCacheData, decodeCcache, encodeCcache } from "./ccache.ts";
import type { Credential } from "./credential.ts";
import { Keytab } from "./keytab.ts";

/** Path of a `FILE:` name, or of one without a type. `undefined` for another type. */
export function filePath(name: string): string | undefined {
  const type = /^([A-Za-z]{2,}):/.exec(name)?.[1];
  if (type === undefined) return name;
  return type.toUpperCase() === "FILE" || type.toUpperCase() === "WRFILE" ? name.slice(type.length + 1) : undefined;
}

/**
 * Reads a keytab file, synchronously, since this happens once before anything else can.
 *
 * @throws {KerberosError} `BAD_FILE`
 */
export function readKeytab(name: string): Keytab {
  const path = filePath(name);
  if (path === undefined) throw new KerberosError("BAD_FILE", `Cannot read keytab ${name}: only FILE: is supported`);
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch (error) {
    throw new KerberosError("BAD_FILE", `Cannot read keytab ${path}: ${reason(error)}`, { cause: error });
  }
  return Keytab.decode(bytes);
}

/** Writes a keytab file that only its owner can read; an existing one is replaced in one step. */
export async function writeKeytab(name: string, keytab: Keytab): Promise<void> {
  const path = filePath(name);
  if (path === undefined) throw new KerberosError("BAD_FILE", `Cannot write keytab ${name}: only FILE: is supported`);
  await replaceFile(path, keytab.encode());
}

/** A cache in an ordinary file, as MIT krb5, Heimdal and Java read and write it. */
export class FileCredentialCache implements CredentialCache {
  /** Name of the cache. */
  readonly name: string;
  readonly #path: string;
  /** Changes of this instance follow one another; another process's are not lost halfway, since files are replaced. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Makes one.
   *
   * @param name `FILE:path`, or the path alone.
   */
  constructor(name: string) {
    const path = filePath(name);
    if (path === undefined) {
      throw new KerberosError("BAD_FILE", `Cannot open credential cache ${name}: only FILE: is supported`);
    }
    this.#path = path;
    this.name = `FILE:${path}`;
  }

  /** See {@linkcode CredentialCache.load}. */
  async load(): Promise<CredentialCacheData | undefined> {
    let bytes: Uint8Array;
    try {
      bytes = await Deno.readFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw new KerberosError("BAD_FILE", `Cannot read ${this.name}: ${reason(error)}`, { cause: error });
    }
    return bytes.length === 0 ? undefined : decodeCcache(bytes);
  }

  /** See {@linkcode CredentialCache.initialize}. */
  initialize(data: CredentialCacheData): Promise<void> {
    return this.#queue(() => replaceFile(this.#path, encodeCcache(data)));
  }

  /** See {@linkcode CredentialCache.store}. */
  store(credential: Credential): Promise<void> {
    return this.#queue(async () => {
      const data = await this.load();
      if (data === undefined) throw new KerberosError("NO_CREDENTIALS", `Cannot store ticket: ${this.name} is empty`);
      await replaceFile(this.#path, encodeCcache(withCredential(data, credential)));
    });
  }

  /** Overwrites the file with zeros and removes it. */
  destroy(): Promise<void> {
    return this.#queue(async () => {
      try {
        using file = await Deno.open(this.#path, { write: true });
        const { size } = await file.stat();
        for (let left = size; left > 0;) left -= await file.write(new Uint8Array(Math.min(left, 65_536)));
        await file.sync();
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return;
        throw error;
      }
      await Deno.remove(this.#path);
    });
  }

  #queue(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change, change);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** A reader sees the old file or the new one, never half of one, and nobody else can read either. */
async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${encodeHex(randomBytes(8))}`;
  try {
    await Deno.writeFile(temporary, bytes, { mode: 0o600, createNew: true });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw new KerberosError("BAD_FILE", `Cannot write ${path}: ${reason(error)}`, { cause: error });
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
