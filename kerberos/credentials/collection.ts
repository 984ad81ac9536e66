/**
 * Which cache of a collection is meant: that of a client, or the one for a service.
 *
 * @module
 */
import { abortable, startDeadline } from "../../base/deadline.ts";
import { KerberosError } from "../errors.ts";
import { type Principal, samePrincipal } from "../principal.ts";
import type { CacheCollection, CredentialCache } from "./cache.ts";

/** Longest time that all caches of a collection may take to say whose they are, in milliseconds. */
const LOOK_TIME = 20_000;

/** Options of a search in a collection. */
interface SearchOptions {
  /** Longest time that the search may take, in milliseconds. @default {20000} */
  readonly timeout?: number | undefined;
}

/** A cache with its owner. */
interface OwnedCache {
  readonly cache: CredentialCache;
  readonly owner: Principal;
}

/** Returns the cache of a client; `undefined` if there is none. A cache that cannot be read is passed over. */
export async function cacheOf(
  collection: Pick<CacheCollection, "name" | "caches">,
  client: Principal,
  options: SearchOptions = {},
): Promise<CredentialCache | undefined> {
  for await (const { cache, owner } of owned(collection.name, await collection.caches(), options)) {
    if (samePrincipal(owner, client)) return cache;
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
export async function cacheForService(
  collection: CacheCollection,
  service: Principal,
  options: SearchOptions = {},
): Promise<CredentialCache> {
  const caches = await collection.caches();
  let best: { readonly cache: CredentialCache; readonly length: number } | undefined;
  // The primary is the first one: it is taken before others that fit as well.
  for await (const { cache, owner } of owned(collection.name, caches.length < 2 ? [] : caches, options)) {
    const length = owner.realm === "" ? 0 : fit(owner.realm, service);
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

/** The caches that have an owner, within one time for all of them. */
async function* owned(
  name: string,
  caches: readonly CredentialCache[],
  { timeout = LOOK_TIME }: SearchOptions,
): AsyncGenerator<OwnedCache> {
  const reason = () =>
    new KerberosError("BAD_FILE", `Cannot tell whose the caches of ${name} are: that took over ${timeout / 1000} s`);
  using deadline = startDeadline({ milliseconds: timeout, reason });
  for (const cache of caches) {
    const owner = await abortable(ownerOf(cache), deadline.signal);
    if (owner !== undefined) yield { cache, owner };
  }
}

async function ownerOf(cache: CredentialCache): Promise<Principal | undefined> {
  try {
    return (await cache.load())?.principal;
  } catch (error) {
    if (!(error instanceof KerberosError) || error.code !== "BAD_FILE") throw error;
    // Without a permission of Deno, another cache would be used in silence.
    if (error.cause instanceof Error && error.cause.name === "NotCapable") throw error;
    return undefined;
  }
}
