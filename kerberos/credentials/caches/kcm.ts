/**
 * Credential caches that a KCM daemon keeps (`KCM:`), the default of Fedora, RHEL and FreeIPA.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { encodeHex } from "@std/encoding/hex";
import type { Credential } from "../../credential.ts";
import { KerberosError } from "../../errors.ts";
import { formatPrincipal } from "../../principal.ts";
import {
  KcmOperation,
  readKcmCredential,
  readKcmName,
  readKcmOffset,
  readKcmPrincipal,
  readKcmUuids,
} from "../formats/kcm_messages.ts";
import {
  type CacheCollection,
  contentsFor,
  type CredentialCache,
  type CredentialCacheData,
  type InitializeOptions,
  MAX_CACHES,
} from "../cache.ts";
import { PrimaryCache } from "./primary.ts";
import type { KcmCall, KcmClient } from "./kcm_client.ts";

/** One cache of a KCM daemon. */
class KcmCache implements CredentialCache {
  /** Name of the cache, for example `KCM:1000:4711`. */
  readonly name: string;
  /** What the daemon calls it. */
  readonly #residual: string;
  readonly #client: KcmClient;

  constructor(residual: string, client: KcmClient) {
    this.#residual = residual;
    this.name = `KCM:${residual}`;
    this.#client = client;
  }

  /** See {@linkcode CredentialCache.load}. */
  load(): Promise<CredentialCacheData | undefined> {
    return this.#client.use(this.name, (call) => this.#load(call));
  }

  async #load(call: KcmCall): Promise<CredentialCacheData | undefined> {
    const name = this.#residual;
    const owner = await call(KcmOperation.GetPrincipal, { name });
    const principal = owner && readKcmPrincipal(owner);
    if (principal === undefined) return undefined;
    // The daemon appends: of several tickets for one service the last one counts.
    const credentials = new Map<string, Credential>();
    for (const uuid of listOf(await call(KcmOperation.GetCredUuidList, { name }))) {
      const found = await call(KcmOperation.GetCredByUuid, { name, uuid });
      const credential = found && readKcmCredential(found);
      if (credential === undefined) continue;
      const key = `${formatPrincipal(credential.client)} ${formatPrincipal(credential.server)}`;
      credentials.delete(key);
      credentials.set(key, credential);
    }
    const offset = await call(KcmOperation.GetKdcOffset, { name });
    const seconds = offset && readKcmOffset(offset);
    const kdcOffset = seconds === undefined ? {} : { kdcOffset: seconds * 1000 };
    return { principal, credentials: [...credentials.values()], ...kdcOffset };
  }

  /** See {@linkcode CredentialCache.initialize}. The daemon takes ticket after ticket: others may see some of them. */
  initialize(data: CredentialCacheData, { replaces }: InitializeOptions = {}): Promise<void> {
    return this.#client.use(this.name, async (call) => {
      const name = this.#residual;
      if (replaces !== undefined) contentsFor(replaces.principal, this.name, await this.#load(call));
      required(this.name, await call(KcmOperation.Initialize, { name, principal: data.principal }));
      if (data.kdcOffset !== undefined) {
        await call(KcmOperation.SetKdcOffset, { name, offset: Math.round(data.kdcOffset / 1000) });
      }
      for (const credential of data.credentials) {
        required(this.name, await call(KcmOperation.Store, { name, credential }));
      }
    });
  }

  /** See {@linkcode CredentialCache.store}. */
  store(credential: Credential): Promise<void> {
    return this.#client.use(this.name, async (call) => {
      const name = this.#residual;
      const owner = await call(KcmOperation.GetPrincipal, { name });
      const principal = owner && readKcmPrincipal(owner);
      contentsFor(credential.client, this.name, principal && { principal, credentials: [] });
      required(this.name, await call(KcmOperation.Store, { name, credential }));
    });
  }

  /** See {@linkcode CredentialCache.destroy}. */
  destroy(): Promise<void> {
    return this.#client.use(this.name, async (call) => {
      await call(KcmOperation.Destroy, { name: this.#residual });
    });
  }

  /** See {@linkcode CredentialCache.makePrimary}. */
  makePrimary(): Promise<void> {
    return this.#client.use(this.name, async (call) => {
      required(this.name, await call(KcmOperation.SetDefaultCache, { name: this.#residual }));
    });
  }
}

/** The caches that a KCM daemon keeps for one user. */
class KcmCollection implements CacheCollection {
  /** Name of the collection. */
  readonly name: string = "KCM:";
  readonly #client: KcmClient;

  constructor(client: KcmClient) {
    this.#client = client;
  }

  /** See {@linkcode CacheCollection.primary}. */
  async primary(): Promise<CredentialCache> {
    return this.#cache(await this.#client.use(this.name, (call) => this.#primary(call)));
  }

  async #primary(call: KcmCall): Promise<string> {
    return readKcmName(required(this.name, await call(KcmOperation.GetDefaultCache)));
  }

  /** See {@linkcode CacheCollection.caches}. */
  async caches(): Promise<readonly CredentialCache[]> {
    const names = await this.#client.use(this.name, async (call) => {
      const found: string[] = [];
      for (const uuid of listOf(await call(KcmOperation.GetCacheUuidList))) {
        const name = await call(KcmOperation.GetCacheByUuid, { uuid });
        if (name !== undefined) found.push(readKcmName(name));
        if (found.length > MAX_CACHES) {
          throw new KerberosError("BAD_FILE", `Cannot list the caches of ${this.name}: there are over ${MAX_CACHES}`);
        }
      }
      const primary = await this.#primary(call);
      return [...found.filter((name) => name === primary), ...found.filter((name) => name !== primary)];
    });
    return names.map((name) => this.#cache(name));
  }

  /** See {@linkcode CacheCollection.create}. */
  async create(): Promise<CredentialCache> {
    const name = await this.#client.use(this.name, (call) => call(KcmOperation.GenNew));
    return this.#cache(readKcmName(required(this.name, name)));
  }

  #cache(residual: string): CredentialCache {
    return new KcmCache(residual, this.#client);
  }
}

/**
 * Opens the caches of a KCM daemon, or one of them.
 *
 * @param rest What follows `KCM:`; empty for all of them.
 * @throws {KerberosError} `BAD_FILE` for a name that cannot be sent.
 */
export function openKcm(rest: string, client: KcmClient): CredentialCache {
  if (rest === "") return new PrimaryCache(new KcmCollection(client));
  if (!rest.includes("\0")) return new KcmCache(rest, client);
  throw new KerberosError("BAD_FILE", "Cannot open credential cache KCM: the name has a zero byte");
}

/** Numbers in a list, each once; none where the daemon says that there are none. */
function listOf(results: Bytes | undefined): readonly Bytes[] {
  const uuids = results === undefined ? [] : readKcmUuids(results);
  return [...new Map(uuids.map((uuid) => [encodeHex(uuid), uuid])).values()];
}

/** The results of a request that must not find nothing. */
function required(name: string, results: Bytes | undefined): Bytes {
  if (results !== undefined) return results;
  throw new KerberosError("BAD_FILE", `Cannot use credential cache ${name}: the KCM daemon does not have it`);
}
