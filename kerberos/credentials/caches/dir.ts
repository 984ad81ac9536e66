/**
 * Collections of credential caches in a folder (`DIR:`), as MIT krb5 keeps them: files `tkt…` in the format of `FILE:`, and a file
 * `primary` with the name of one of them.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { lenientText, utf8 } from "../../../base/bytes.ts";
import { randomBytes } from "../../../base/runtime.ts";
import { systemFailure } from "../../config/system_error.ts";
import { KerberosError } from "../../errors.ts";
import { type CacheCollection, type CredentialCache, MAX_CACHES } from "../cache.ts";
import type { Files } from "../files.ts";
import { FileCache } from "./file.ts";
import { PrimaryCache } from "./primary.ts";

/** Name of the primary cache where the folder does not say it. */
const FIRST = "tkt";
/** What {@linkcode Files.change} puts after the name of a file that is about to replace another one. */
const UNFINISHED = /\.[0-9a-f]{16}$/;

/** The caches in a folder. */
class DirCollection implements CacheCollection {
  /** Name of the collection. */
  readonly name: string;
  readonly #folder: string;
  readonly #files: Files;

  /**
   * Creates a collection; nothing is read yet.
   *
   * @param folder Path of the folder.
   * @param files Access to it.
   */
  constructor(folder: string, files: Files) {
    this.#folder = folder;
    this.#files = files;
    this.name = `DIR:${folder}`;
  }

  /** Returns the cache in one file of the folder. */
  cache(file: string): CredentialCache {
    const path = `${this.#folder}/${file}`;
    const before = () => this.#makeFolder();
    const cache = new FileCache(path, { files: this.#files, name: `DIR::${path}`, before });
    return Object.assign(cache, { makePrimary: () => this.#makePrimary(file) });
  }

  /** See {@linkcode CacheCollection.primary}. */
  async primary(): Promise<CredentialCache> {
    return this.cache(await this.#primaryName());
  }

  /** See {@linkcode CacheCollection.caches}. */
  async caches(): Promise<readonly CredentialCache[]> {
    const primary = await this.#primaryName();
    const names = this.#names();
    const others = names.filter((name) => name !== primary).sort();
    return [...names.filter((name) => name === primary), ...others].map((name) => this.cache(name));
  }

  /** See {@linkcode CacheCollection.create}. */
  create(): Promise<CredentialCache> {
    return Promise.resolve(this.cache(`${FIRST}${encodeHex(randomBytes(6))}`));
  }

  async #makePrimary(file: string): Promise<void> {
    this.#makeFolder();
    await this.#files.change(`${this.#folder}/primary`, () => utf8(`${file}\n`), { create: true });
  }

  async #primaryName(): Promise<string> {
    const path = `${this.#folder}/primary`;
    const file = await this.#files.read(path).catch((error) => {
      throw systemFailure("BAD_FILE", `Cannot read ${path}`, error);
    });
    if (file?.bytes === undefined) return FIRST;
    const name = lenientText(file.bytes.subarray(0, 1024)).split("\n")[0]!;
    if (isCacheName(name)) return name;
    throw new KerberosError(
      "BAD_FILE",
      `Cannot tell the primary cache of ${this.name}: ${path} names no file "${FIRST}…"; gssocks kswitch writes it anew`,
    );
  }

  #names(): readonly string[] {
    let names: readonly string[] | undefined;
    try {
      names = this.#files.listFolder(this.#folder);
    } catch (error) {
      throw systemFailure("BAD_FILE", `Cannot read ${this.name}`, error);
    }
    const found = (names ?? []).filter((name) => isCacheName(name) && !UNFINISHED.test(name));
    if (found.length <= MAX_CACHES) return found;
    throw new KerberosError("BAD_FILE", `Cannot read ${this.name}: it has over ${MAX_CACHES} caches`);
  }

  #makeFolder(): void {
    try {
      this.#files.makeFolder(this.#folder);
    } catch (error) {
      throw systemFailure("BAD_FILE", `Cannot create ${this.#folder}`, error);
    }
  }
}

/** Whether a file of this name in the folder may be a cache. */
function isCacheName(name: string): boolean {
  return name.startsWith(FIRST) && !/[/\\\0]/.test(name);
}

/**
 * Opens the collection or the cache of a name: `DIR:/path` or `DIR::/path/tkt`.
 *
 * @param rest What follows `DIR:`.
 * @throws {KerberosError} `BAD_FILE` for a name without a folder, or of a file that is none of a collection.
 */
export function openDir(rest: string, files: Files): CredentialCache {
  if (!rest.startsWith(":")) {
    if (rest !== "") return new PrimaryCache(new DirCollection(rest.replace(/(?<=.)\/+$/, ""), files));
    throw new KerberosError("BAD_FILE", `Cannot open credential cache "DIR:": it names no folder, as DIR:/path does`);
  }
  const [, folder, file] = /^:(.+)\/([^/]+)$/.exec(rest) ?? [];
  if (folder !== undefined && isCacheName(file!)) return new DirCollection(folder, files).cache(file!);
  throw new KerberosError(
    "BAD_FILE",
    `Cannot open credential cache DIR:${rest}: a file of a folder is named as DIR::/path/${FIRST}… is`,
  );
}
