/**
 * Credential caches: where tickets live between uses. Every cache belongs to who made it; none is global.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import { samePrincipal } from "../principal.ts";
import type { CredentialCacheData } from "./ccache.ts";
import type { Credential } from "./credential.ts";

/** A place for one principal's tickets. */
export interface CredentialCache {
  /** What it is called, for example `FILE:/tmp/krb5cc_1000`. */
  readonly name: string;
  /** Everything in it; `undefined` where nothing was ever put there. */
  load(): Promise<CredentialCacheData | undefined>;
  /** Replaces everything in it. */
  initialize(data: CredentialCacheData): Promise<void>;
  /** Adds one ticket, in place of one for the same client and service. */
  store(credential: Credential): Promise<void>;
  /** Forgets everything. */
  destroy(): Promise<void>;
}

/** Adds a ticket to the contents of a cache, in place of one for the same client and service. */
export function withCredential(data: CredentialCacheData, added: Credential): CredentialCacheData {
  const others = data.credentials.filter((held) =>
    !(samePrincipal(held.client, added.client) && samePrincipal(held.server, added.server))
  );
  return { ...data, credentials: [...others, added] };
}

/** A cache in memory. */
export class MemoryCredentialCache implements CredentialCache {
  /** Name of the cache. */
  readonly name = "MEMORY:";
  #data: CredentialCacheData | undefined;

  /**
   * Makes one.
   *
   * @param data What is in it to begin with.
   */
  constructor(data?: CredentialCacheData) {
    this.#data = data;
  }

  /** See {@linkcode CredentialCache.load}. */
  load(): Promise<CredentialCacheData | undefined> {
    return Promise.resolve(this.#data);
  }

  /** See {@linkcode CredentialCache.initialize}. */
  initialize(data: CredentialCacheData): Promise<void> {
    this.#data = data;
    return Promise.resolve();
  }

  /** See {@linkcode CredentialCache.store}. */
  store(credential: Credential): Promise<void> {
    if (this.#data === undefined) {
      return Promise.reject(new KerberosError("NO_CREDENTIALS", "Cannot store ticket: the cache has no principal yet"));
    }
    this.#data = withCredential(this.#data, credential);
    return Promise.resolve();
  }

  /** See {@linkcode CredentialCache.destroy}. */
  destroy(): Promise<void> {
    this.#data = undefined;
    return Promise.resolve();
  }
}
