/**
 * A store of any kind as what servers share.
 *
 * @module
 */
import { duration } from "../../base/deadline.ts";
import { SharedLedger } from "./ledger.ts";
import { SharedReplays } from "./replays.ts";
import type { SharedStore, SharedStoreOptions, StoreDriver } from "./store.ts";
import { WatchedStore } from "./watched.ts";

/** Time in milliseconds for which a session counts after the last sign of its server. */
const LEASE = 30_000;

/**
 * Shares through a store, and goes on trying where that fails: a server starts without it, and behaves as `onLoss` says.
 *
 * @param driver The store, which is closed with what is given back.
 * @throws {TypeError} When a time is none, or `onLoss` is neither.
 *
 * @example
 * ```ts
 * import { shareThrough, type SharedStore, type StoreDriver } from "@gssocks/gssocks/redis";
 *
 * export async function store(driver: StoreDriver): Promise<SharedStore> {
 *   return await shareThrough(driver, { onLoss: "refuse" });
 * }
 * ```
 */
export async function shareThrough(driver: StoreDriver, options: SharedStoreOptions): Promise<SharedStore> {
  const lease = duration("lease", options.lease ?? LEASE);
  const store = new WatchedStore(driver, options);
  const shared: SharedStore = {
    replayCache: new SharedReplays(store),
    userLedger: new SharedLedger(store, lease),
    state: () => store.state(),
    [Symbol.asyncDispose]: () => store.close(),
  };
  await store.start();
  return shared;
}
