/**
 * Credential caches: where tickets live between uses. Every cache belongs to who made it; none is global.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import { formatPrincipal, type Principal, samePrincipal } from "../principal.ts";
import type { CredentialCacheData } from "./formats/ccache.ts";
import type { Credential } from "../credential.ts";

/** What {@linkcode CredentialCache.initialize} takes beside what is to be in the cache. */
export interface InitializeOptions {
  /**
   * What was read, where the new contents come out of it, as when a ticket is renewed. A cache that was destroyed since, or
   * is another client's, is left alone then: `NO_CREDENTIALS`. @default {whatever is there is replaced}
   */
  readonly replaces?: CredentialCacheData | undefined;
}

/** A place for one principal's tickets. */
export interface CredentialCache {
  /** What it is called, for example `FILE:/tmp/krb5cc_1000`. */
  readonly name: string;
  /** Everything in it; `undefined` where nothing was ever put there. */
  load(): Promise<CredentialCacheData | undefined>;
  /** Replaces everything in it; see {@linkcode InitializeOptions} for how not to undo what others have done. */
  initialize(data: CredentialCacheData, options?: InitializeOptions): Promise<void>;
  /**
   * Adds one ticket, in place of one for the same client and service.
   *
   * @throws {KerberosError} `NO_CREDENTIALS` when nothing is in it (any more), or another client's tickets are.
   */
  store(credential: Credential): Promise<void>;
  /** Forgets everything. */
  destroy(): Promise<void>;
}

/**
 * The contents of a cache into which tickets of a client are to go.
 *
 * @throws {KerberosError} `NO_CREDENTIALS` when there are none, or they are another client's.
 */
export function mayStore(name: string, data: CredentialCacheData | undefined, client: Principal): CredentialCacheData {
  if (data === undefined) throw new KerberosError("NO_CREDENTIALS", `Cannot store ticket: ${name} is empty`);
  if (samePrincipal(data.principal, client)) return data;
  const [wanted, there] = [client, data.principal].map(formatPrincipal);
  throw new KerberosError("NO_CREDENTIALS", `Cannot store ticket of ${wanted}: ${name} is ${there}'s`);
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
  initialize(data: CredentialCacheData, { replaces }: InitializeOptions = {}): Promise<void> {
    return settled(() => {
      if (replaces !== undefined) mayStore(this.name, this.#data, replaces.principal);
      this.#data = data;
    });
  }

  /** See {@linkcode CredentialCache.store}. */
  store(credential: Credential): Promise<void> {
    return settled(() => {
      this.#data = withCredential(mayStore(this.name, this.#data, credential.client), credential);
    });
  }

  /** See {@linkcode CredentialCache.destroy}. */
  destroy(): Promise<void> {
    this.#data = undefined;
    return Promise.resolve();
  }
}

/** Done at once; what it throws is in the promise. */
function settled(run: () => void): Promise<void> {
  return new Promise((resolve) => resolve(run()));
}
