/**
 * Credential caches: where a principal's tickets are kept between uses. A cache belongs to the code that created it; none is
 * global. Each kind of cache is a file in `caches/`.
 *
 * @module
 */
import type { Credential } from "../credential.ts";
import { KerberosError } from "../errors.ts";
import { formatPrincipal, type Principal, samePrincipal } from "../principal.ts";

/** Contents of a credential cache. */
export interface CredentialCacheData {
  /** Principal that the cache belongs to. */
  readonly principal: Principal;
  /** Tickets, and MIT's settings among them. */
  readonly credentials: readonly Credential[];
  /** How far the KDC's clock is ahead, in milliseconds (header field DeltaTime); `undefined` if the cache does not say. */
  readonly kdcOffset?: number;
}

/** Options of {@linkcode CredentialCache.initialize}. */
export interface InitializeOptions {
  /**
   * The contents that the new ones were made from, for example when a ticket is renewed. If the cache was destroyed since, or
   * belongs to another client now, it stays as it is and the call fails with `NO_CREDENTIALS`. @default {the contents are replaced
   * in any case}
   */
  readonly replaces?: CredentialCacheData | undefined;
}

/** A place for one principal's tickets. */
export interface CredentialCache {
  /** Name of the cache, for example `FILE:/tmp/krb5cc_1000`. */
  readonly name: string;
  /**
   * The collection that the name stands for (`DIR:/path`, `KCM:`). The cache is the primary one at the time of each call, and the
   * tickets for a service may come out of another one. Absent if the cache stands for itself.
   */
  readonly collection?: CacheCollection;
  /** Makes the cache the primary one of its collection. Absent if it is in none. */
  makePrimary?(): Promise<void>;
  /** Returns the contents; `undefined` if nothing was ever stored. */
  load(): Promise<CredentialCacheData | undefined>;
  /** Replaces the contents; see {@linkcode InitializeOptions} for how to keep changes that others have made. */
  initialize(data: CredentialCacheData, options?: InitializeOptions): Promise<void>;
  /**
   * Adds one ticket, which replaces one for the same client and service.
   *
   * @throws {KerberosError} `NO_CREDENTIALS` if the cache is empty, or belongs to another client.
   */
  store(credential: Credential): Promise<void>;
  /** Removes the contents. */
  destroy(): Promise<void>;
}

/** Most caches of one user that are listed. */
export const MAX_CACHES = 1_000;

/** One user's credential caches, one for each client. One of them is the primary, which the collection's name stands for. */
export interface CacheCollection {
  /** Name of the collection, for example `DIR:/run/user/1000/krb5cc`. */
  readonly name: string;
  /** Returns the primary cache, which may be empty. */
  primary(): Promise<CredentialCache>;
  /** Returns the caches that exist, the primary first if it is among them. */
  caches(): Promise<readonly CredentialCache[]>;
  /** Returns a cache of a name that no other one has. It exists once it is initialized. */
  create(): Promise<CredentialCache>;
}

/**
 * Checks that tickets of a client may be added to the contents of a cache.
 *
 * @param name Name of the cache.
 * @returns The contents.
 * @throws {KerberosError} `NO_CREDENTIALS` if there are none, or they belong to another client.
 */
export function contentsFor(
  client: Principal,
  name: string,
  data: CredentialCacheData | undefined,
): CredentialCacheData {
  if (data === undefined) throw new KerberosError("NO_CREDENTIALS", `Cannot store ticket: ${name} is empty`);
  if (samePrincipal(data.principal, client)) return data;
  const [wanted, owner] = [client, data.principal].map(formatPrincipal);
  throw new KerberosError("NO_CREDENTIALS", `Cannot store ticket of ${wanted}: ${name} belongs to ${owner}`);
}

/** Returns the contents with one more ticket, which replaces one for the same client and service. */
export function withCredential(data: CredentialCacheData, added: Credential): CredentialCacheData {
  const others = data.credentials.filter((held) =>
    !(samePrincipal(held.client, added.client) && samePrincipal(held.server, added.server))
  );
  return { ...data, credentials: [...others, added] };
}
