/**
 * The cache that the name of a collection stands for: the primary one, whichever that is at the time.
 *
 * @module
 */
import type { Credential } from "../../credential.ts";
import type { CacheCollection, CredentialCache, CredentialCacheData, InitializeOptions } from "../cache.ts";

/** The primary cache of a collection. */
export class PrimaryCache implements CredentialCache {
  /** Name of the collection. */
  readonly name: string;
  /** See {@linkcode CredentialCache.collection}. */
  readonly collection: CacheCollection;

  constructor(collection: CacheCollection) {
    this.name = collection.name;
    this.collection = collection;
  }

  /** See {@linkcode CredentialCache.load}. */
  async load(): Promise<CredentialCacheData | undefined> {
    return await (await this.collection.primary()).load();
  }

  /** See {@linkcode CredentialCache.initialize}. */
  async initialize(data: CredentialCacheData, options?: InitializeOptions): Promise<void> {
    await (await this.collection.primary()).initialize(data, options);
  }

  /** See {@linkcode CredentialCache.store}. */
  async store(credential: Credential): Promise<void> {
    await (await this.collection.primary()).store(credential);
  }

  /** See {@linkcode CredentialCache.destroy}. */
  async destroy(): Promise<void> {
    await (await this.collection.primary()).destroy();
  }
}
