/**
 * Credential caches and keytabs of this machine.
 *
 * @module
 */
import { requireFilePath } from "../../config/store_name.ts";
import type { Credential } from "../../credential.ts";
import type { CredentialCache, CredentialCacheData, InitializeOptions } from "../cache.ts";
import { openDir } from "../caches/dir.ts";
import { FileCache } from "../caches/file.ts";
import { openKcm } from "../caches/kcm.ts";
import { KcmClient } from "../caches/kcm_client.ts";
import { MemoryCredentialCache } from "../caches/memory.ts";
import { type CacheKinds, openCache, type OpenCacheOptions } from "../caches/open_cache.ts";
import type { WantedKey } from "../../ap/keys.ts";
import { DEFAULT_NAMES } from "../../config/load.ts";
import type { KeySource, Keytab, KeytabEntry } from "../formats/keytab.ts";
import { keytabPath, readKeytabFile, writeKeytabFile } from "../keytabs/keytab_file.ts";
import { type KeytabFileOptions, ReloadingKeytab } from "../keytabs/reloading_keytab.ts";
import { systemFiles } from "./files.ts";
import { kcmSocket } from "./kcm_socket.ts";

/** Kinds of credential caches. */
const CACHE_KINDS: CacheKinds = {
  FILE: (name) => new FileCredentialCache(name),
  DIR: (_, rest) => openDir(rest, systemFiles),
  KCM: (_, rest, options) => openKcm(rest, new KcmClient(kcmSocket(options.kcmSocket ?? DEFAULT_NAMES.kcmSocket))),
  MEMORY: (name) => new MemoryCredentialCache(undefined, name),
};

/**
 * Opens the credential cache of a name: `FILE:path` or a path alone; `DIR:path` for the primary cache of a folder and `DIR::path/tkt…`
 * for one of its files; `KCM:` for the primary cache of a KCM daemon and `KCM:name` for one of its caches; `MEMORY:`. Nothing is read
 * yet.
 *
 * @throws {KerberosError} `BAD_FILE` for another kind; what its message says to type puts the tickets into a file.
 *
 * @example
 * ```ts
 * import { openCredentialCache } from "@gssocks/gssocks/kerberos";
 *
 * const cache = openCredentialCache("DIR:/run/user/1000/krb5cc");
 * if (cache.collection?.name !== "DIR:/run/user/1000/krb5cc") throw new Error("no collection");
 * ```
 */
export function openCredentialCache(name: string, options: OpenCacheOptions = {}): CredentialCache {
  return openCache(name, CACHE_KINDS, options);
}

/** Options of {@linkcode FileCredentialCache}. */
export interface FileCredentialCacheOptions {
  /**
   * Longest wait for another program's change to the cache, in milliseconds. After that the change is made without the lock: the
   * contents that were read are compared once more right before the file is replaced.
   *
   * @default {10000}
   */
  readonly lockTimeout?: number | undefined;
}

/**
 * A cache in an ordinary file, which MIT krb5, Heimdal and Java read and write too.
 *
 * Any number of programs may change it at one time: each waits for the others (`flock` on the file), and none undoes the changes of
 * another. MIT's tools and Java do not know this lock; see `docs/operating.md`.
 *
 * @example
 * ```ts
 * import { FileCredentialCache } from "@gssocks/gssocks/kerberos";
 *
 * export async function principal(): Promise<string | undefined> {
 *   const data = await new FileCredentialCache("FILE:/tmp/krb5cc_1000").load();
 *   return data?.principal.components.join("/");
 * }
 * ```
 */
export class FileCredentialCache implements CredentialCache {
  /** Name of the cache. */
  readonly name: string;
  readonly #cache: FileCache;

  /**
   * Creates a cache; nothing is read yet.
   *
   * @param name `FILE:path`, or the path alone.
   * @param options How long to wait for others.
   * @throws {KerberosError} `BAD_FILE` for another kind of cache.
   */
  constructor(name: string, options: FileCredentialCacheOptions = {}) {
    this.#cache = new FileCache(requireFilePath("open credential cache", name), { files: systemFiles, ...options });
    this.name = this.#cache.name;
  }

  /**
   * See {@linkcode CredentialCache.load}.
   *
   * @throws {KerberosError} `BAD_FILE`, also for a file of more than 16 MiB.
   */
  load(): Promise<CredentialCacheData | undefined> {
    return this.#cache.load();
  }

  /**
   * See {@linkcode CredentialCache.initialize}. A file that is no credential cache is left alone.
   *
   * @throws {KerberosError} `BAD_FILE`; with `replaces` also `NO_CREDENTIALS`.
   */
  initialize(data: CredentialCacheData, options?: InitializeOptions): Promise<void> {
    return this.#cache.initialize(data, options);
  }

  /**
   * See {@linkcode CredentialCache.store}. The file keeps its owner, and a symbolic link to it stays a link.
   *
   * @throws {KerberosError} `NO_CREDENTIALS` if the cache does not exist, or belongs to another client; `BAD_FILE`.
   */
  store(credential: Credential): Promise<void> {
    return this.#cache.store(credential);
  }

  /**
   * Overwrites the file with zeros and removes it. Of a symbolic link the link alone is removed.
   *
   * @throws {KerberosError} `BAD_FILE`, also if the file is no credential cache.
   */
  destroy(): Promise<void> {
    return this.#cache.destroy();
  }
}

/**
 * Reads a keytab file, synchronously: this happens once, before anything else can.
 *
 * @throws {KerberosError} `BAD_FILE`, also for a file of more than 16 MiB.
 *
 * @example
 * ```ts
 * import { formatPrincipal, readKeytab } from "@gssocks/gssocks/kerberos";
 *
 * export function services(): string[] {
 *   return readKeytab("/etc/krb5.keytab").entries.map(({ principal }) => formatPrincipal(principal));
 * }
 * ```
 */
export function readKeytab(name: string): Keytab {
  return readKeytabFile(systemFiles, keytabPath(name)).keytab;
}

/**
 * Writes a keytab file that only its owner can read. An existing one is replaced in one step, and keeps its owner.
 *
 * @throws {KerberosError} `BAD_FILE`, also if the file is no keytab.
 *
 * @example
 * ```ts
 * import { writeKeytab } from "@gssocks/gssocks/kerberos";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const file = await Deno.makeTempFile();
 * await writeKeytab(file, kdc.keytab("rcmd/localhost"));
 * await Deno.remove(file);
 * ```
 */
export function writeKeytab(name: string, keytab: Keytab): Promise<void> {
  return writeKeytabFile(systemFiles, name, keytab);
}

/**
 * A keytab file that is read again if a key is missing, so that keys can be replaced while a service runs.
 *
 * @example
 * ```ts
 * import { KerberosAcceptorCredential, KeytabFile } from "@gssocks/gssocks/kerberos";
 *
 * export function service(): KerberosAcceptorCredential {
 *   return new KerberosAcceptorCredential({ keys: new KeytabFile("/etc/krb5.keytab") });
 * }
 * ```
 */
export class KeytabFile implements KeySource {
  /** Path of the file. */
  readonly path: string;
  readonly #keytab: ReloadingKeytab;

  /**
   * Reads the file.
   *
   * @param name `FILE:path`, or the path alone.
   * @param options How it is read again.
   * @throws {KerberosError} `BAD_FILE` if it cannot be read, or has no key.
   */
  constructor(name: string, options: KeytabFileOptions = {}) {
    this.#keytab = new ReloadingKeytab(name, systemFiles, options);
    this.path = this.#keytab.path;
  }

  /** See {@linkcode KeySource.candidates}. */
  candidates(wanted: WantedKey): readonly KeytabEntry[] {
    return this.#keytab.candidates(wanted);
  }

  /** See {@linkcode KeySource.describe}. */
  describe(): readonly string[] {
    return this.#keytab.describe();
  }

  /**
   * Reads the file again if it has changed; its keys replace the old ones. Callers that ask while it is being read wait for the same
   * read. Never rejects.
   *
   * @returns Whether there are new keys.
   */
  renewed(): Promise<boolean> {
    return this.#keytab.renewed();
  }
}
