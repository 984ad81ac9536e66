/**
 * A replay cache in the memory of one process.
 *
 * @module
 */
import type { Runtime } from "../../../base/runtime.ts";
import type { ReplayCache, ReplayEntry } from "./cache.ts";
import { isShareUsed, shareUsedError } from "./share.ts";
import { StartTime } from "./start_time.ts";

/** Options of a {@linkcode MemoryReplayCache}. */
export interface MemoryReplayCacheOptions {
  /**
   * Most authenticators that are kept. When all of them are still in force, new ones are refused. In caches of at least 16, a
   * client is refused earlier: when it has an eighth of the capacity, and as many entries as are free.
   *
   * @default {1000000}
   */
  readonly capacity?: number | undefined;
  /** Clock for {@linkcode MemoryReplayCache.knowsSince}. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /** A monotonic clock, in milliseconds. @default {the system's; the clock of `runtime` if that is given} */
  readonly elapsed?: (() => number) | undefined;
}

/** Milliseconds of a slot; the authenticators of a slot are forgotten together. */
const SLOT = 1_000;

/** Tags that expire within the same slot of time. */
interface Slot {
  /** The client of each tag. */
  readonly tags: Map<string, string>;
  /** When the last of them was inserted. */
  last: number;
}

/**
 * A replay cache in the memory of one process.
 *
 * @example Shares one cache between two servers
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { MemoryReplayCache } from "@gssocks/gssocks/kerberos";
 *
 * export function start(): void {
 *   const replayCache = new MemoryReplayCache();
 *   for (const port of [1080, 1081]) serve({ port, keytab: "/etc/krb5.keytab", gssapi: { replayCache }, rules: ["allow *"] });
 * }
 * ```
 */
export class MemoryReplayCache implements ReplayCache {
  readonly #started: StartTime;
  /** When the last of the entries that were forgotten since had been inserted. */
  #forgotten = -Infinity;
  readonly #capacity: number;
  readonly #expiry = new Map<string, number>();
  /** Slots by their number. */
  readonly #slots = new Map<number, Slot>();
  /** Entries of each client. */
  readonly #held = new Map<string, number>();
  /** Slots before this one are empty. */
  #oldest = Infinity;

  /**
   * Creates an empty cache.
   *
   * @param options Limits.
   * @throws {RangeError} When the capacity is less than 1.
   */
  constructor(options: MemoryReplayCacheOptions = {}) {
    this.#capacity = options.capacity ?? 1_000_000;
    if (!(this.#capacity >= 1)) {
      throw new RangeError(`Cannot create replay cache: capacity is ${this.#capacity}, at least 1 is needed`);
    }
    this.#started = new StartTime(options);
  }

  /**
   * When the cache was created, by the clock as it is set now, or, if later, when the last entry was inserted that it has
   * forgotten since: such an authenticator may be in force again after a clock that was ahead has been set back.
   */
  get knowsSince(): number {
    return Math.max(Math.ceil(this.#started.wallTime), this.#forgotten);
  }

  /** Authenticators remembered. */
  get size(): number {
    return this.#expiry.size;
  }

  /** See {@linkcode ReplayCache.insert}. */
  insert({ tag, expiresAt, now, client = "" }: ReplayEntry): boolean {
    if (typeof tag !== "string") throw new TypeError("Cannot detect replays: the tag is not hexadecimal");
    const until = this.#expiry.get(tag);
    if (until !== undefined && until >= now) return false;
    if (until !== undefined) this.#forget(tag, until);
    this.#forgetSlots(now);
    const full = () => this.#expiry.size >= this.#capacity;
    if (full() || this.#isShareUsed(client)) this.#forgetExpired(now);
    if (full()) throw new Error("Cannot detect replays: the replay cache is full");
    if (this.#isShareUsed(client)) throw shareUsedError();
    this.#held.set(client, (this.#held.get(client) ?? 0) + 1);
    this.#expiry.set(tag, expiresAt);
    const number = Math.floor(expiresAt / SLOT);
    const slot = this.#slots.get(number);
    if (slot === undefined) this.#slots.set(number, { tags: new Map([[tag, client]]), last: now });
    else {
      slot.tags.set(tag, client);
      slot.last = Math.max(slot.last, now);
    }
    this.#oldest = Math.min(this.#oldest, number);
    return true;
  }

  #isShareUsed(client: string): boolean {
    if (client === "") return false;
    return isShareUsed(this.#held.get(client) ?? 0, this.#capacity, this.#capacity - this.#expiry.size);
  }

  #forget(tag: string, expiresAt: number): void {
    const slot = this.#slots.get(Math.floor(expiresAt / SLOT))!;
    this.#remove(tag, slot.tags.get(tag)!);
    slot.tags.delete(tag);
  }

  /** Removes a tag, and counts it off its client. */
  #remove(tag: string, client: string): void {
    this.#expiry.delete(tag);
    const left = this.#held.get(client)! - 1;
    if (left === 0) this.#held.delete(client);
    else this.#held.set(client, left);
  }

  /**
   * Forgets the slots that have passed, one by one as time goes on, or all of them when the clock leaps. A slot far in the
   * future delays none of the others.
   */
  #forgetSlots(now: number): void {
    const present = Math.floor(now / SLOT);
    if (this.#oldest >= present) return;
    if (present - this.#oldest > this.#slots.size) {
      for (const slot of this.#slots.keys()) if (slot < present) this.#forgetSlot(slot);
    } else {
      for (let slot = this.#oldest; slot < present; slot++) this.#forgetSlot(slot);
    }
    this.#oldest = this.#slots.size === 0 ? Infinity : present;
  }

  #forgetSlot(number: number): void {
    const slot = this.#slots.get(number);
    if (slot === undefined) return;
    for (const [tag, client] of slot.tags) this.#remove(tag, client);
    this.#forgotten = Math.max(this.#forgotten, slot.last);
    this.#slots.delete(number);
  }

  /** Forgets what has expired in the present slot. */
  #forgetExpired(now: number): void {
    const slot = this.#slots.get(Math.floor(now / SLOT));
    for (const tag of slot?.tags.keys() ?? []) {
      const expiresAt = this.#expiry.get(tag)!;
      if (expiresAt >= now) continue;
      this.#forget(tag, expiresAt);
      this.#forgotten = Math.max(this.#forgotten, slot!.last);
    }
  }
}
