/**
 * What several machines behind one name share, and what a store must be able to do for that.
 *
 * @module
 */
import type { ReplayCache } from "../../kerberos/ap/replay/cache.ts";
import type { UserLedger } from "../../socks/server/limits/user_ledger.ts";

/** What happens to clients while the store is lost. */
export type OnLoss = "refuse" | "allow";

/** Options of a shared store. Times are in milliseconds. */
export interface SharedStoreOptions {
  /**
   * What happens to clients while the store does not answer a write: `refuse` refuses clients with Kerberos, and users who are
   * counted; `allow` uses what this server has seen itself, which accepts replays from another server. At most two seconds after the
   * loss, no client waits for the store.
   */
  readonly onLoss: OnLoss;
  /** Time for an answer. @default {2000} */
  readonly timeout?: number | undefined;
  /** Time between two questions of its own, each a write with an answer in this time; less for tests. @default {1000} */
  readonly interval?: number | undefined;
  /** Time for which a session counts after its server was last heard of. @default {30000} */
  readonly lease?: number | undefined;
  /** Called when the store is lost, and when it is back. Exceptions are ignored. */
  readonly onChange?: ((up: boolean, reason: string) => void) | undefined;
}

/** State of a store. */
export interface SharedStoreState {
  /** Whether it answered the last question, which is a write and asked each second. */
  readonly up: boolean;
  /** What happens while it does not. */
  readonly onLoss: OnLoss;
  /** What was said when that changed the last time, for people. */
  readonly reason: string;
}

/** What is shared. */
export interface SharedStore extends AsyncDisposable {
  /** For `serve`. */
  readonly replayCache: ReplayCache;
  /** For `serve`. */
  readonly userLedger: UserLedger;
  /** Whether the store takes what is written, and what happens while it does not. */
  state(): SharedStoreState;
}

/** Code of a {@linkcode SharedStoreError}. */
export type SharedStoreErrorCode = "SHARED_STORE";

/**
 * Thrown when a client is refused because the store does not answer, or has begun anew and may not know an authenticator.
 *
 * @example In an observer of a server
 * ```ts
 * import type { ServerEvent } from "@gssocks/gssocks";
 * import { SharedStoreError } from "@gssocks/gssocks/redis";
 *
 * export function isStoreLost(event: ServerEvent): boolean {
 *   return event.type === "refused" && event.error instanceof SharedStoreError; // event.error.code is "SHARED_STORE"
 * }
 * ```
 */
export class SharedStoreError extends Error {
  /** Name of the class. */
  override readonly name = "SharedStoreError";
  /** What went wrong. */
  readonly code: SharedStoreErrorCode = "SHARED_STORE";
}

/** Since when a store knows everything. */
export interface StoreEra {
  /** Another one each time that the store has begun anew, and may have forgotten what it had answered for. */
  readonly id: string;
  /** How long ago that was, in milliseconds. */
  readonly age: number;
}

/** What a store is asked when it is looked at. */
export interface LookOptions {
  /** Whether clients were let in without it, so that from now on is all that it knows. */
  readonly gap: boolean;
  /** Aborted when the answer comes too late. */
  readonly signal: AbortSignal;
}

/** A session of a user at one server. */
export interface StoredSession {
  /** The user, in the form in which all spellings of the name are one. */
  readonly user: string;
  /** The session, with a name that no other one has. */
  readonly session: string;
}

/**
 * What a store must do for {@linkcode shareThrough}, as Redis and Deno KV do. The caller gives a method up that takes too long; the
 * method need not notice. What a store has answered it must not forget before its time; if it does, {@linkcode look} returns another era.
 *
 * @example With a store of your own
 * ```ts
 * import { type SharedStore, shareThrough, type StoreDriver } from "@gssocks/gssocks/redis";
 *
 * export function main(driver: StoreDriver): Promise<SharedStore> {
 *   return shareThrough(driver, { onLoss: "refuse" });
 * }
 * ```
 */
export interface StoreDriver {
  /** Name of the store, for messages. */
  readonly name: string;
  /**
   * Writes a probe that expires, connects first if necessary, and returns since when the store knows everything. Called each second,
   * whether or not the call before has been answered.
   *
   * @throws {Error} When the store takes no writes; the message is shown to people and has no secret in it.
   */
  look(options: LookOptions): Promise<StoreEra>;
  /** Remembers a tag for a time, and returns whether it is new; atomic over all machines. */
  remember(tag: string, milliseconds: number): Promise<boolean>;
  /** Counts a session for the time of the lease unless the user is at the limit, and returns whether it did; atomic. */
  enter(session: StoredSession, limit: number, lease: number): Promise<boolean>;
  /** Stops counting a session. */
  leave(session: StoredSession): Promise<void>;
  /** Counts these sessions for the time of the lease from now, whether or not they are counted: all users in one call. */
  renew(sessions: ReadonlyMap<string, readonly string[]>, lease: number): Promise<void>;
  /** Closes the store; no method is called after this. */
  close(): Promise<void>;
}
