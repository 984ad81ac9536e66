/**
 * Replay caches: an authenticator is good once (RFC 4120 section 3.2.3). What is kept is a hash over the encrypted
 * authenticator, which nobody can change and leave genuine.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import type { Bytes } from "../../../base/bytes.ts";
import { monotonicNow, type Runtime, systemRuntime } from "../../../base/runtime.ts";
import { systemPrimitives } from "../../crypto/primitives/system.ts";

/** Remembers authenticators. Several acceptors of one service must share one. */
export interface ReplayCache {
  /**
   * Since when every authenticator that was accepted is known, in milliseconds since the epoch: for a cache in memory, when
   * it was made. What may have been used before that is refused (RFC 4120 section 3.2.3: until the skew has passed) where a
   * context's keys do not rest on a subkey of the acceptor's, that is, without mutual authentication.
   *
   * @default {undefined: all of them are known, as by a store that outlives the process}
   */
  readonly knowsSince?: number | undefined;
  /**
   * Remembers `tag` until `expiresAt` and says whether it is new. To ask and to remember is one step: of two calls with
   * the same tag, however close, one at most gets `true`.
   *
   * @param entry Tag of the authenticator, until when it is remembered, and what time it is, in milliseconds.
   * @throws {Error} When it cannot tell; the authenticator is refused then.
   */
  insert(entry: ReplayEntry): boolean | Promise<boolean>;
}

/** One authenticator. */
export interface ReplayEntry {
  /** Hash over the encrypted authenticator, in hexadecimal. */
  readonly tag: string;
  /** When it may be forgotten, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Present time, in milliseconds since the epoch. */
  readonly now: number;
  /** When it was made, by its client's clock, in milliseconds since the epoch. */
  readonly madeAt?: number | undefined;
  /** Whose it is, so that nobody takes all the room. @default {everybody counts as one} */
  readonly client?: string | undefined;
}

/** Tag of an encrypted authenticator: SHA-256. */
export async function replayTag(cipher: Bytes): Promise<string> {
  return encodeHex(await systemPrimitives.digest("SHA-256", cipher));
}

/** What {@linkcode MemoryReplayCache} takes. */
export interface MemoryReplayCacheOptions {
  /**
   * Authenticators kept at most; when all of them are still in force, new ones are refused. Those of one client are before that:
   * where they are an eighth of this, and as many as there is room for more (from 16 on).
   *
   * @default {1000000}
   */
  readonly capacity?: number | undefined;
  /** Clock that says since when it knows everything. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /** Milliseconds since some time in the past, by a clock that nobody sets. @default {the system's; where `runtime` is given, its} */
  readonly elapsed?: (() => number) | undefined;
}

/** How long one has been there, by a clock that nobody sets, as the time when it began by one that is set. */
export class Age {
  readonly #now: () => number;
  readonly #elapsed: () => number;
  readonly #from: number;

  /** Begins now, or so many milliseconds ago. */
  constructor({ runtime, elapsed }: Pick<MemoryReplayCacheOptions, "runtime" | "elapsed">, already = 0) {
    const clock = runtime ?? systemRuntime;
    this.#now = () => clock.now();
    this.#elapsed = elapsed ?? (runtime === undefined ? monotonicNow : this.#now);
    this.#from = this.#elapsed() - already;
  }

  /** When it began, in milliseconds since the epoch, by the wall clock as it is now. */
  get since(): number {
    return this.#now() - (this.#elapsed() - this.#from);
  }
}

/** The part of the room that a client has whoever else is there, and the least room that is shared out. */
const [SHARE, SHARED_OUT] = [8, 16];

/** Whether a client who has so many has his share: an eighth of all, or more while as much is free. */
export function hasShare(held: number, capacity: number, free: number): boolean {
  return capacity >= SHARED_OUT && held >= Math.max(Math.floor(capacity / SHARE), free);
}

/** What a client is told whose share is used up. */
export function shareUsedUp(): Error {
  return new Error(
    "Cannot tell a replay: the client has its share of the replay cache, with authenticators still in force",
  );
}

/** Milliseconds: authenticators that expire in the same one are forgotten together. */
const SLOT = 1_000;

/** Tags that expire together. */
interface Slot {
  /** Each with its client. */
  readonly tags: Map<string, string>;
  /** When the last of them came. */
  last: number;
}

/** A replay cache in memory, for one process. */
export class MemoryReplayCache implements ReplayCache {
  readonly #age: Age;
  /** When the last of those came that have been forgotten. */
  #forgotten = -Infinity;
  readonly #capacity: number;
  readonly #expiry = new Map<string, number>();
  /** Tags by the slot that they expire in. */
  readonly #slots = new Map<number, Slot>();
  /** How many each client has. */
  readonly #held = new Map<string, number>();
  /** Slots before this one are empty. */
  #oldest = Infinity;

  /**
   * Makes one.
   *
   * @param options Limits.
   * @throws {RangeError} When there is no room for any.
   */
  constructor(options: MemoryReplayCacheOptions = {}) {
    this.#capacity = options.capacity ?? 1_000_000;
    if (!(this.#capacity >= 1)) throw new RangeError(`Cannot make replay cache: its capacity is ${this.#capacity}`);
    this.#age = new Age(options);
  }

  /**
   * When it was made, by the clock as it is now, or when the last of those came that it has forgotten since: after a clock that was
   * ahead for a while and set right again, these might be accepted once more.
   */
  get knowsSince(): number {
    return Math.max(Math.ceil(this.#age.since), this.#forgotten);
  }

  /** Authenticators remembered. */
  get size(): number {
    return this.#expiry.size;
  }

  /** See {@linkcode ReplayCache.insert}. */
  insert({ tag, expiresAt, now, client = "" }: ReplayEntry): boolean {
    // No two objects are the same one.
    if (typeof tag !== "string") throw new TypeError("Cannot tell a replay: the tag is not hexadecimal");
    const until = this.#expiry.get(tag);
    if (until !== undefined && until >= now) return false;
    if (until !== undefined) this.#forget(tag, until);
    this.#forgetSlots(now);
    const full = () => this.#expiry.size >= this.#capacity;
    if (full() || this.#hasShare(client)) this.#forgetExpired(now);
    if (full()) throw new Error("Cannot tell a replay: the replay cache is full");
    if (this.#hasShare(client)) throw shareUsedUp();
    this.#held.set(client, (this.#held.get(client) ?? 0) + 1);
    this.#expiry.set(tag, expiresAt);
    const slot = Math.floor(expiresAt / SLOT);
    const together = this.#slots.get(slot);
    if (together === undefined) this.#slots.set(slot, { tags: new Map([[tag, client]]), last: now });
    else {
      together.tags.set(tag, client);
      together.last = Math.max(together.last, now);
    }
    this.#oldest = Math.min(this.#oldest, slot);
    return true;
  }

  #hasShare(client: string): boolean {
    if (client === "") return false;
    return hasShare(this.#held.get(client) ?? 0, this.#capacity, this.#capacity - this.#expiry.size);
  }

  #forget(tag: string, expiresAt: number): void {
    const slot = this.#slots.get(Math.floor(expiresAt / SLOT))!;
    this.#take(tag, slot.tags.get(tag)!);
    slot.tags.delete(tag);
  }

  /** One less, and one less of the client's. */
  #take(tag: string, client: string): void {
    this.#expiry.delete(tag);
    const left = this.#held.get(client)! - 1;
    if (left === 0) this.#held.delete(client);
    else this.#held.set(client, left);
  }

  /**
   * Drops the slots that have passed. One that ends far off keeps none of the others, and each is looked at once: one by
   * one as time goes on, all of them after a leap.
   */
  #forgetSlots(now: number): void {
    const present = Math.floor(now / SLOT);
    if (this.#oldest >= present) return;
    if (present - this.#oldest > this.#slots.size) {
      for (const slot of this.#slots.keys()) if (slot < present) this.#drop(slot);
    } else {
      for (let slot = this.#oldest; slot < present; slot++) this.#drop(slot);
    }
    this.#oldest = this.#slots.size === 0 ? Infinity : present;
  }

  #drop(number: number): void {
    const slot = this.#slots.get(number);
    if (slot === undefined) return;
    for (const [tag, client] of slot.tags) this.#take(tag, client);
    this.#forgotten = Math.max(this.#forgotten, slot.last);
    this.#slots.delete(number);
  }

  /** Drops what has expired in the present slot, where room is short. */
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
