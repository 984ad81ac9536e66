/**
 * Credential caches in ordinary files (`FILE:`), in the format of MIT krb5, Heimdal and Java.
 *
 * @module
 */
import type { Credential } from "../../credential.ts";
import { KerberosError } from "../../errors.ts";
import { systemFailure } from "../../config/system_error.ts";
import {
  contentsFor,
  type CredentialCache,
  type CredentialCacheData,
  type InitializeOptions,
  withCredential,
} from "../cache.ts";
import { decodeFile, type Files, type FoundFile, type LockOptions } from "../files.ts";
import { decodeCcache, encodeCcache, isCcache } from "../formats/ccache.ts";

/** Options of {@linkcode FileCache}. */
interface FileCacheOptions extends LockOptions {
  /** Access to the file. */
  readonly files: Files;
  /** Name of the cache. @default {FILE: and the path} */
  readonly name?: string | undefined;
  /** Called before contents are written where there may be none yet; throws what is wrong. */
  readonly before?: (() => void) | undefined;
}

/** A cache in a file. Any number of programs may change it at one time. */
export class FileCache implements CredentialCache {
  /** Name of the cache. */
  readonly name: string;
  readonly #path: string;
  readonly #files: Files;
  readonly #lock: LockOptions;
  readonly #before: (() => void) | undefined;
  /** The last change of this instance: changes follow one another. */
  #lastChange: Promise<unknown> = Promise.resolve();
  /** Owner of the file when it was last read or written. */
  #owner: number | null | undefined;
  /** What was read last, while the file has the same mark: reading it takes half a millisecond, more than all else of a context. */
  #kept: { readonly mark: string; readonly data: CredentialCacheData | undefined } | undefined;

  /**
   * Creates a cache; nothing is read yet.
   *
   * @param path Path of the file.
   * @param options Access to the file.
   */
  constructor(path: string, { files, name, before, lockTimeout }: FileCacheOptions) {
    this.#path = path;
    this.name = name ?? `FILE:${path}`;
    this.#before = before;
    this.#files = files;
    this.#lock = { lockTimeout };
  }

  /**
   * See {@linkcode CredentialCache.load}.
   *
   * @throws {KerberosError} `BAD_FILE`
   */
  async load(): Promise<CredentialCacheData | undefined> {
    const kept = this.#kept;
    if (kept !== undefined && kept.mark === this.#files.markNow(this.#path) && isWhole(kept.data)) return kept.data;
    this.#kept = undefined;
    const file = await this.#files.read(this.#path).catch((error) => {
      throw systemFailure("BAD_FILE", `Cannot read ${this.name}`, error);
    });
    if (file === undefined) return undefined;
    this.#owner = file.owner;
    const data = this.#decode(file);
    if (file.mark !== undefined) this.#kept = { mark: file.mark, data };
    return data;
  }

  #decode({ bytes }: FoundFile): CredentialCacheData | undefined {
    return bytes === undefined ? undefined : decodeFile(this.#path, () => decodeCcache(bytes));
  }

  /**
   * See {@linkcode CredentialCache.initialize}. A file that is no credential cache is left alone.
   *
   * @throws {KerberosError} `BAD_FILE`; with `replaces` also `NO_CREDENTIALS`.
   */
  initialize(data: CredentialCacheData, { replaces }: InitializeOptions = {}): Promise<void> {
    return this.#queue(async () => {
      if (replaces === undefined) this.#before?.();
      this.#owner = await this.#files.change(this.#path, (file) => {
        if (replaces !== undefined) contentsFor(replaces.principal, this.name, this.#decode(file));
        else if (file.bytes !== undefined && !isCcache(file.bytes)) throw this.#notCcache();
        return encodeCcache(data);
      }, { create: replaces === undefined, ...this.#lock });
    });
  }

  #notCcache(): KerberosError {
    return new KerberosError(
      "BAD_FILE",
      `Cannot write ${this.#path}: it exists and is no credential cache; remove it, or name another file`,
    );
  }

  /**
   * See {@linkcode CredentialCache.store}. The file keeps its owner, and a symbolic link to it stays a link.
   *
   * @throws {KerberosError} `NO_CREDENTIALS` if the cache does not exist, or belongs to another client; `BAD_FILE`.
   */
  store(credential: Credential): Promise<void> {
    return this.#queue(async () => {
      const owner = this.#owner;
      await this.#files.change(this.#path, (file) => {
        const data = contentsFor(credential.client, this.name, this.#decode(file));
        if (owner !== undefined && file.owner !== owner) {
          throw new KerberosError(
            "BAD_FILE",
            `Cannot write ${this.name}: it belonged to user ${owner} when it was read, and belongs to user ${file.owner} now`,
          );
        }
        return encodeCcache(withCredential(data, credential));
      }, { keepOwner: true, ...this.#lock });
    });
  }

  /**
   * Overwrites the file with zeros and removes it. Of a symbolic link the link alone is removed.
   *
   * @throws {KerberosError} `BAD_FILE`, also if the file is no credential cache.
   */
  destroy(): Promise<void> {
    return this.#queue(() => this.#files.destroy(this.#path, requireCcache, this.#lock));
  }

  #queue(change: () => Promise<void>): Promise<void> {
    // What this object changed is read again, whatever the times of the file say; no key outlives its cache.
    const done = this.#lastChange.then(change, change).finally(() => this.#kept = undefined);
    this.#lastChange = done.catch(() => {});
    return done;
  }
}

/** Whether every key can still be used: the callers that have got them may have disposed of one. */
function isWhole(data: CredentialCacheData | undefined): boolean {
  return data?.credentials.every(({ key }) => !key.isDisposed) ?? true;
}

/** Refuses a file that is no credential cache. */
function requireCcache(start: Uint8Array): void {
  if (!isCcache(start)) throw new Error("it is no credential cache");
}
