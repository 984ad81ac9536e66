/**
 * Keytab and cache files: what is in them, and what of it may be replaced by what.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { KerberosError } from "../../errors.ts";
import { type CredentialCache, type InitializeOptions, mayStore, withCredential } from "../cache.ts";
import { type CredentialCacheData, decodeCcache, encodeCcache } from "../formats/ccache.ts";
import { changeFile, destroyFile } from "../shell/change_file.ts";
import type { Credential } from "../../credential.ts";
import { fileReason, type FoundFile, LOCK_TIMEOUT, readFileAtOnce, readOrdinaryFile } from "../shell/held_file.ts";
import { Keytab } from "../formats/keytab.ts";

/** Path of a `FILE:` name, or of one without a type. `undefined` for another type. */
export function filePath(name: string): string | undefined {
  const type = /^([A-Za-z]{2,}):/.exec(name)?.[1];
  if (type === undefined) return name;
  return type.toUpperCase() === "FILE" || type.toUpperCase() === "WRFILE" ? name.slice(type.length + 1) : undefined;
}

/** The path of a name that has to be a file's. */
function pathOf(what: string, name: string): string {
  const path = filePath(name);
  if (path === undefined) throw new KerberosError("BAD_FILE", `Cannot ${what} ${name}: only FILE: is supported`);
  if (path === "") throw new KerberosError("BAD_FILE", `Cannot ${what} "${name}": it names no file`);
  return path;
}

/**
 * Reads a keytab file, synchronously, since this happens once before anything else can.
 *
 * @throws {KerberosError} `BAD_FILE`, also for one of more than 16 MiB.
 */
export function readKeytab(name: string): Keytab {
  return decodeKeytab(keytabPath(name), readFileAtOnce);
}

/**
 * Path of a keytab.
 *
 * @throws {KerberosError} `BAD_FILE`
 */
export function keytabPath(name: string): string {
  return pathOf("read keytab", name);
}

/** The keytab that `read` finds at a path. */
export function decodeKeytab(path: string, read: (path: string) => Uint8Array): Keytab {
  let bytes: Uint8Array;
  try {
    bytes = read(path);
  } catch (error) {
    throw unreadableKeytab(path, error);
  }
  return naming(path, () => Keytab.decode(bytes));
}

/** The error for a keytab that cannot be read. */
export function unreadableKeytab(path: string, error: unknown): KerberosError {
  return new KerberosError("BAD_FILE", `Cannot read keytab ${path}: ${fileReason(error, path)}`, { cause: error });
}

/**
 * Writes a keytab file that only its owner can read; an existing one is replaced in one step, and stays its owner's.
 *
 * @throws {KerberosError} `BAD_FILE`, also when what is there is no keytab.
 */
export async function writeKeytab(name: string, keytab: Keytab): Promise<void> {
  const path = pathOf("write keytab", name);
  await changeFile(path, ({ bytes }) => {
    // Both formats begin with 5 (RFC 1510's version of the protocol), and no text does.
    if (bytes !== undefined && bytes[0] !== 5) throw notReplaced(path, "keytab");
    return keytab.encode();
  }, { create: true });
}

/** What {@linkcode FileCredentialCache} takes beside its name. */
export interface FileCredentialCacheOptions {
  /**
   * Longest wait for another program's change to the cache, in milliseconds. When it is over, the change is made without
   * the lock: what was read is compared once more right before it is replaced.
   *
   * @default {10000}
   */
  readonly lockTimeout?: number | undefined;
}

/**
 * A cache in an ordinary file, as MIT krb5, Heimdal and Java read and write it.
 *
 * Any number of programs may change it at one time: each waits for the others (`flock` on the file), and none undoes what
 * another one did. MIT's tools and Java know nothing of this lock; see `docs/operating.md`.
 */
export class FileCredentialCache implements CredentialCache {
  /** Name of the cache. */
  readonly name: string;
  readonly #path: string;
  readonly #lockTimeout: number;
  /** Changes of this instance follow one another. */
  #last: Promise<unknown> = Promise.resolve();
  /** Whose the file was when it was last read or made. */
  #owner: number | null | undefined;

  /**
   * Makes one.
   *
   * @param name `FILE:path`, or the path alone.
   * @param options How long to wait for others.
   * @throws {KerberosError} `BAD_FILE` for another type of cache.
   */
  constructor(name: string, options: FileCredentialCacheOptions = {}) {
    this.#path = pathOf("open credential cache", name);
    this.name = `FILE:${this.#path}`;
    this.#lockTimeout = options.lockTimeout ?? LOCK_TIMEOUT;
  }

  /**
   * See {@linkcode CredentialCache.load}.
   *
   * @throws {KerberosError} `BAD_FILE`, also for one of more than 16 MiB.
   */
  async load(): Promise<CredentialCacheData | undefined> {
    let file: FoundFile;
    try {
      file = await readOrdinaryFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw new KerberosError("BAD_FILE", `Cannot read ${this.name}: ${fileReason(error, this.#path)}`, {
        cause: error,
      });
    }
    this.#owner = file.owner;
    return this.#decode(file);
  }

  #decode({ bytes }: FoundFile): CredentialCacheData | undefined {
    return bytes === undefined ? undefined : naming(this.#path, () => decodeCcache(bytes));
  }

  /**
   * See {@linkcode CredentialCache.initialize}. What is there and is no credential cache is left alone.
   *
   * @throws {KerberosError} `BAD_FILE`; with `replaces` also `NO_CREDENTIALS`.
   */
  initialize(data: CredentialCacheData, { replaces }: InitializeOptions = {}): Promise<void> {
    return this.#queue(async () => {
      this.#owner = await changeFile(this.#path, (file) => {
        if (replaces !== undefined) mayStore(this.name, this.#decode(file), replaces.principal);
        else if (file.bytes !== undefined && !isCcache(file.bytes)) throw notReplaced(this.#path, "credential cache");
        return encodeCcache(data);
      }, { create: replaces === undefined, lockTimeout: this.#lockTimeout });
    });
  }

  /**
   * See {@linkcode CredentialCache.store}. The file stays its owner's, and a symbolic link to it a link.
   *
   * @throws {KerberosError} `NO_CREDENTIALS` when the cache is not there, or is another client's; `BAD_FILE`.
   */
  store(credential: Credential): Promise<void> {
    return this.#queue(async () => {
      const owner = this.#owner;
      await changeFile(this.#path, (file) => {
        const data = mayStore(this.name, this.#decode(file), credential.client);
        if (owner !== undefined && file.owner !== owner) {
          throw new KerberosError(
            "BAD_FILE",
            `Cannot write ${this.name}: it was user ${owner}'s when it was read, and is user ${file.owner}'s now`,
          );
        }
        return encodeCcache(withCredential(data, credential));
      }, { keepOwner: true, lockTimeout: this.#lockTimeout });
    });
  }

  /**
   * Overwrites the file with zeros and removes it. Of a symbolic link the link alone is removed.
   *
   * @throws {KerberosError} `BAD_FILE`, also when what is there is no credential cache.
   */
  destroy(): Promise<void> {
    return this.#queue(() => destroyFile(this.#path, isCcache, { lockTimeout: this.#lockTimeout }));
  }

  #queue(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change, change);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** All versions of the format begin with 5 and their number. */
function isCcache(bytes: Bytes): boolean {
  return bytes[0] === 5 && bytes[1]! >= 1 && bytes[1]! <= 4;
}

function notReplaced(path: string, what: string): KerberosError {
  return new KerberosError("BAD_FILE", `Cannot write ${path}: what is there is no ${what}; remove it, or name another`);
}

/** Puts the name of the file into what is wrong with it. */
function naming<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error;
    throw new KerberosError(error.code, error.message.replace(/^(Cannot read [a-z ]+):/, `$1 ${path}:`), {
      cause: error,
    });
  }
}
