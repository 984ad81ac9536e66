/**
 * What several machines behind one name share, through Redis: the authenticators that were seen, and how many sessions each
 * user has.
 *
 * @example Two servers that refuse each other's replays
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { connectRedis } from "@gssocks/gssocks/redis";
 *
 * export async function main(): Promise<void> {
 *   await using shared = await connectRedis({ url: "redis://redis.example.com", onLoss: "refuse" });
 *   const { replayCache, userLedger } = shared;
 *   await serve({ keytab: "/etc/krb5.keytab", rules: ["allow *"], gssapi: { replayCache }, userLedger }).finished;
 * }
 * ```
 *
 * @module
 */
import { RedisDriver, type RedisOptions } from "./redis_driver.ts";
import { shareThrough } from "./share.ts";
import type { SharedStore } from "./store.ts";

export { shareThrough } from "./share.ts";
export {
  type LookOptions,
  type OnLoss,
  type SharedStore,
  SharedStoreError,
  type SharedStoreErrorCode,
  type SharedStoreOptions,
  type SharedStoreState,
  type StoreDriver,
  type StoredSession,
  type StoreEra,
} from "./store.ts";

/**
 * Connects to Redis, and goes on trying where that fails: a server starts without it, and behaves as `onLoss` says.
 *
 * @throws {TypeError} When an address is none, or an option is none of its kind; no password is in the message.
 *
 * @example
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { connectRedis } from "@gssocks/gssocks/redis";
 *
 * export async function start(): Promise<void> {
 *   await using store = await connectRedis({ url: "redis://redis.example.com", onLoss: "refuse" });
 *   const { replayCache, userLedger } = store;
 *   await serve({ keytab: "/etc/krb5.keytab", gssapi: { replayCache }, userLedger, rules: ["allow *"] }).finished;
 * }
 * ```
 */
export async function connectRedis(options: RedisOptions): Promise<SharedStore> {
  return await shareThrough(new RedisDriver(options), options);
}
export type { RedisOptions } from "./redis_driver.ts";
export type { ReplayCache, ReplayEntry } from "../../kerberos/ap/replay/cache.ts";
export type { UserLedger } from "../../socks/server/limits/user_ledger.ts";
