/**
 * Which cache of a collection is meant: that of a client, or the one for a service.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import { type Principal, samePrincipal } from "../principal.ts";
import type { CacheCollection, CredentialCache } from "./cache.ts";

/** Returns the cache of a client; `undefined` if there is none. A cache that cannot be read is passed over. */
export async function cacheOf(
  collection: Pick<CacheCollection, "caches">,
  client: Principal,
): Promise<CredentialCache | undefined> {
  for (const cache of await collection.caches()) {
    const owner = await ownerOf(cache);
    if (owner !== undefined && samePrincipal(owner, client)) return cache;
  }
  return undefined;
}

/** Returns the cache for a client's new tickets: the client's own one, the primary if it is empty, or a new one. */
export async function cacheForNew(collection: CacheCollection, client: Principal): Promise<CredentialCache> {
  const own = await cacheOf(collection, client);
  if (own !== undefined) return own;
  const primary = await collection.primary();
  return await primary.load() === undefined ? primary : await collection.create();
}

/**
 * Returns the cache to use for a service: the one whose client is of the service's realm, as with MIT krb5; for a service whose realm
 * is not known, the one whose realm its host is in by its name. Otherwise the primary.
 */
export async function cacheForService(collection: CacheCollection, service: Principal): Promise<CredentialCache> {
  const caches = await collection.caches();
  let best: { readonly cache: CredentialCache; readonly length: number } | undefined;
  // The primary is the first one: it is taken before others that fit as well.
  for (const cache of caches.length < 2 ? [] : caches) {
    const realm = (await ownerOf(cache))?.realm ?? "";
    const length = realm === "" ? 0 : fit(realm, service);
    if (length > (best?.length ?? 0)) best = { cache, length };
  }
  return best?.cache ?? await collection.primary();
}

/** How well a realm fits a service: 0 if it does not. */
function fit(realm: string, service: Principal): number {
  if (service.realm !== "") return service.realm === realm ? 1 : 0;
  const host = service.components[1]?.toLowerCase() ?? "";
  return `.${host}`.endsWith(`.${realm.toLowerCase()}`) ? realm.length : 0;
}

async function ownerOf(cache: CredentialCache): Promise<Principal | undefined> {
  try {
    return (await cache.load())?.principal;
  } catch (error) {
    if (error instanceof KerberosError && error.code === "BAD_FILE") return undefined;
    throw error;
  }
}
