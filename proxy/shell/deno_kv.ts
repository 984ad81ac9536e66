/**
 * What several machines behind one name share, through Deno KV: the authenticators that were seen, and how many sessions each user
 * has. Needs `deno run --unstable-kv`.
 *
 * @example Servers of one machine, or of Deno Deploy
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { connectDenoKv } from "@gssocks/gssocks/kv";
 *
 * export async function main(): Promise<void> {
 *   await using shared = await connectDenoKv({ path: "/var/lib/gssocks/shared.kv", onLoss: "refuse" });
 *   const { replayCache, userLedger } = shared;
 *   await serve({ keytab: "/etc/krb5.keytab", rules: ["allow *"], gssapi: { replayCache }, userLedger }).finished;
 * }
 * ```
 *
 * @module
 */
import { type Kv, KvDriver } from "../shared/kv_driver.ts";
import { shareThrough } from "../shared/share.ts";
import type { SharedStore, SharedStoreOptions } from "../shared/store.ts";

export {
  type OnLoss,
  type SharedStore,
  SharedStoreError,
  type SharedStoreErrorCode,
  type SharedStoreOptions,
  type SharedStoreState,
} from "../shared/store.ts";

/** Options of {@linkcode connectDenoKv}. */
export interface DenoKvOptions extends SharedStoreOptions {
  /**
   * File, or `https://...` of a KV service, whose access token is in the environment (`DENO_KV_ACCESS_TOKEN`).
   *
   * @default {that of the script, or of the deployment}
   */
  readonly path?: string | undefined;
  /** Prefix of all keys. @default {"gssocks"} */
  readonly prefix?: string | undefined;
}

/**
 * Opens a database. While it takes no writes, `onLoss` decides. The clocks of the servers must agree to a few seconds for the count of
 * sessions, because a database has no clock.
 *
 * @throws {TypeError} Without `--unstable-kv`, or when an option is invalid.
 * @throws {Error} When the database cannot be opened, as `Deno.openKv` has it.
 *
 * @example
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { connectDenoKv } from "@gssocks/gssocks/kv";
 *
 * export async function start(): Promise<void> {
 *   await using store = await connectDenoKv({ path: "/var/lib/gssocks/kv", onLoss: "refuse" });
 *   const { replayCache, userLedger } = store;
 *   await serve({ keytab: "/etc/krb5.keytab", gssapi: { replayCache }, userLedger, rules: ["allow *"] }).finished;
 * }
 * ```
 */
export async function connectDenoKv(options: DenoKvOptions): Promise<SharedStore> {
  const { openKv } = Deno as { readonly openKv?: (path?: string) => Promise<Kv> };
  if (openKv === undefined) throw new TypeError("Cannot open Deno KV: run with --unstable-kv");
  const { path, prefix = "gssocks" } = options;
  const kept = path === undefined || path === ":memory:" || /^https?:/.test(path);
  const mark = kept ? undefined : () => fileMark(path);
  const driver = new KvDriver(() => openKv(path), prefix, mark);
  await driver.open();
  try {
    return await shareThrough(driver, options);
  } catch (error) {
    await driver.close();
    throw error;
  }
}

/** Returns what tells a file from another one at the same path. */
async function fileMark(path: string): Promise<string> {
  const { dev, ino } = await Deno.stat(path);
  return `${dev} ${ino}`;
}
export type { ReplayCache, ReplayEntry } from "../../kerberos/ap/replay/cache.ts";
export type { UserLedger } from "../../socks/server/limits/user_ledger.ts";
