/**
 * The store that several machines share, as the configuration says it.
 *
 * @module
 */
import { connectDenoKv } from "../../proxy/shell/deno_kv.ts";
import { connectRedis, type SharedStore, type SharedStoreOptions } from "../../proxy/shared/redis.ts";
import { redisPlaces } from "../../proxy/shared/redis_places.ts";
import { at, ConfigError } from "./config_error.ts";
import { firstLine, readText } from "./read_text.ts";
import type { SharedConfig } from "./setting_objects.ts";

/**
 * Checks what needs nothing but the configuration.
 *
 * @throws {ConfigError} When no store is named, or two are, or what is said has no effect on the one that is.
 */
export function checkShared(shared: SharedConfig | undefined): void {
  if (shared === undefined) return;
  const { redis, kv } = shared;
  if ((redis === undefined) === (kv === undefined)) throw new ConfigError("shared: either redis or kv is wanted");
  if (redis !== undefined) {
    at("shared.redis", () => redisPlaces(redis));
    return;
  }
  const idle = (["passwordFile", "sentinelPasswordFile", "caFile", "replicas"] as const).filter((name) =>
    shared[name] !== undefined
  );
  if (idle.length > 0) throw new ConfigError(`shared: ${idle.join(", ")}: Redis alone has this`);
}

/**
 * Connects to it.
 *
 * @throws {ConfigError} As {@linkcode checkShared}.
 * @throws {Error} When a file cannot be read, or Deno KV cannot be opened.
 */
export async function openShared(
  shared: SharedConfig,
  onChange: NonNullable<SharedStoreOptions["onChange"]>,
): Promise<SharedStore> {
  checkShared(shared);
  const { redis, kv, onLoss, prefix, passwordFile, sentinelPasswordFile, caFile, replicas } = shared;
  if (redis === undefined) return await connectDenoKv({ path: kv, onLoss, prefix, onChange });
  return await connectRedis({
    url: redis,
    onLoss,
    prefix,
    onChange,
    replicas,
    password: passwordFile && firstLine(passwordFile),
    sentinelPassword: sentinelPasswordFile && firstLine(sentinelPasswordFile),
    caCerts: caFile === undefined ? undefined : [readText(caFile)],
  });
}

/** Name of the store for people: its URL without a password, or its file. */
export function storeName({ redis, kv }: SharedConfig): string {
  const urls = redis === undefined ? [kv ?? "Deno KV"] : [redis].flat();
  return urls.map((url) => url.replace(/\/\/.*@/, "//")).join(", ");
}

/** Why the store cannot be used, in words for people. */
export function storeReason(reason: string): string {
  return /\bECONNREFUSED\b/.test(reason) ? `nothing listens there (${reason}); start it, or mend the address` : reason;
}
