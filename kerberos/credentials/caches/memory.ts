/**
 * Credential caches in memory (`MEMORY:`).
 *
 * @module
 */
import type { Credential } from "../../credential.ts";
import {
  contentsFor,
  type CredentialCache,
  type CredentialCacheData,
  type InitializeOptions,
  withCredential,
} from "../cache.ts";

/**
 * A cache in memory. It is this object's alone: two caches of one name share nothing.
 *
 * @example
 * ```ts
 * import { MemoryCredentialCache, parsePrincipal } from "@gssocks/gssocks/kerberos";
 *
 * const cache = new MemoryCredentialCache();
 * await cache.initialize({ principal: parsePrincipal("alice@EXAMPLE.COM"), credentials: [] });
 * if ((await cache.load())?.principal.realm !== "EXAMPLE.COM") throw new Error("another client");
 * ```
 */
export class MemoryCredentialCache implements CredentialCache {
  /** Name of the cache. */
  readonly name: string;
  #data: CredentialCacheData | undefined;

  /**
   * Creates a cache.
   *
   * @param data Contents at the start.
   * @param name Name of the cache, for messages.
   */
  constructor(data?: CredentialCacheData, name: string = "MEMORY:") {
    this.#data = data;
    this.name = name;
  }

  /** See {@linkcode CredentialCache.load}. */
  load(): Promise<CredentialCacheData | undefined> {
    return Promise.resolve(this.#data);
  }

  /** See {@linkcode CredentialCache.initialize}. */
  initialize(data: CredentialCacheData, { replaces }: InitializeOptions = {}): Promise<void> {
    return settled(() => {
      if (replaces !== undefined) contentsFor(replaces.principal, this.name, this.#data);
      this.#data = data;
    });
  }

  /** See {@linkcode CredentialCache.store}. */
  store(credential: Credential): Promise<void> {
    return settled(() => {
      this.#data = withCredential(contentsFor(credential.client, this.name, this.#data), credential);
    });
  }

  /** See {@linkcode CredentialCache.destroy}. */
  destroy(): Promise<void> {
    this.#data = undefined;
    return Promise.resolve();
  }
}

/** Runs a change at once; what it throws rejects the promise. */
function settled(change: () => void): Promise<void> {
  return new Promise((resolve) => resolve(change()));
}
