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
 *   await serve({ keytab: "/etc/krb5.keytab", rules: ["allow *"], replayCache, userLedger }).finished;
 * }
 * ```
 *
 * @module
 */
import { RedisDriver } from "./redis_driver.ts";
import { shareThrough } from "./share.ts";
import type { SharedStore, SharedStoreOptions } from "./store.ts";

export { shareThrough } from "./share.ts";
export {
  type LookOptions,
  type OnLoss,
  type SharedStore,
  SharedStoreError,
  type SharedStoreOptions,
  type SharedStoreState,
  type StoreDriver,
  type StoredSession,
  type StoreEra,
} from "./store.ts";

/** What {@linkcode connectRedis} takes. */
export interface RedisOptions extends SharedStoreOptions {
  /**
   * `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss:` for TLS. Of several, the first that takes what is written is the
   * master, and it is looked for again when it takes nothing more. Or `redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]].../MASTER[/DATABASE]`
   * (`rediss+sentinel:`): the sentinels are asked each second which server is the master of that name, as which user and
   * password say to Redis.
   */
  readonly url: string | readonly string[];
  /** Password instead of the one in the address, such as one out of a file. */
  readonly password?: string | undefined;
  /** Password that the sentinels want. @default {none} */
  readonly sentinelPassword?: string | undefined;
  /** Certificates of authorities to trust for TLS, in PEM, instead of the system's. @default {the system's} */
  readonly caCerts?: readonly string[] | undefined;
  /**
   * Replicas that must have an authenticator before it counts as remembered (`WAIT`), so that a promoted one has it. Fewer than these
   * within half a second is a loss.
   *
   * @default {0}
   */
  readonly replicas?: number | undefined;
  /** Beginning of all keys. @default {"gssocks:"} */
  readonly prefix?: string | undefined;
}

/**
 * Connects to Redis, and goes on trying where that fails: a server starts without it, and behaves as `onLoss` says.
 *
 * @throws {TypeError} When an address is none, or an option is none of its kind; no password is in the message.
 */
export async function connectRedis(options: RedisOptions): Promise<SharedStore> {
  return await shareThrough(new RedisDriver(options), options);
}
