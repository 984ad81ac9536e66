/**
 * Replay caches: an authenticator is good once (RFC 4120 section 3.2.3). What is kept is a hash over the encrypted
 * authenticator, which nobody can change and leave genuine.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import type { Bytes } from "../../gss/bytes.ts";
import { type Runtime, systemRuntime } from "../../gss/runtime.ts";
import { systemPrimitives } from "../crypto/node_primitives.ts";

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
}

/** Tag of an encrypted authenticator: SHA-256. */
export async function replayTag(cipher: Bytes): Promise<string> {
  return encodeHex(await systemPrimitives.digest("SHA-256", cipher));
}

/** What {@linkcode MemoryReplayCache} takes. */
export interface MemoryReplayCacheOptions {
  /** Authenticators kept at most; when all of them are still in force, new ones are refused. @default {1000000} */
  readonly capacity?: number;
  /** Clock that says since when it knows everything. @default {the system's} */
  readonly runtime?: Runtime;
}

/** Milliseconds: authenticators that expire in the same one are forgotten together. */
const SLOT = 1_000;

/** Tags that expire together. */
interface Slot {
  readonly tags: Set<string>;
  /** When the last of them came. */
  last: number;
}

/** A replay cache in memory, for one process. */
export class MemoryReplayCache implements ReplayCache {
  #knowsSince: number;
  readonly #capacity: number;
  readonly #expiry = new Map<string, number>();
  /** Tags by the slot that they expire in. */
  readonly #slots = new Map<number, Slot>();
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
    this.#knowsSince = (options.runtime ?? systemRuntime).now();
  }

  /**
   * When it was made, or when the last of those came that it has forgotten since: after a clock that was ahead for a while and
   * set right again, these might be accepted once more.
   */
  get knowsSince(): number {
    return this.#knowsSince;
  }

  /** Authenticators remembered. */
  get size(): number {
    return this.#expiry.size;
  }

  /** See {@linkcode ReplayCache.insert}. */
  insert({ tag, expiresAt, now }: ReplayEntry): boolean {
    // No two objects are the same one.
    if (typeof tag !== "string") throw new TypeError("Cannot tell a replay: the tag is not hexadecimal");
    const held = this.#expiry.get(tag);
    if (held !== undefined && held >= now) return false;
    if (held !== undefined) this.#forget(tag, held);
    this.#forgetSlots(now);
    if (this.#expiry.size >= this.#capacity) this.#forgetExpired(now);
    if (this.#expiry.size >= this.#capacity) throw new Error("Cannot tell a replay: the replay cache is full");
    this.#expiry.set(tag, expiresAt);
    const slot = Math.floor(expiresAt / SLOT);
    const together = this.#slots.get(slot);
    if (together === undefined) this.#slots.set(slot, { tags: new Set([tag]), last: now });
    else {
      together.tags.add(tag);
      together.last = Math.max(together.last, now);
    }
    this.#oldest = Math.min(this.#oldest, slot);
    return true;
  }

  #forget(tag: string, expiresAt: number): void {
    this.#expiry.delete(tag);
    this.#slots.get(Math.floor(expiresAt / SLOT))?.tags.delete(tag);
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
    for (const tag of slot.tags) this.#expiry.delete(tag);
    this.#knowsSince = Math.max(this.#knowsSince, slot.last);
    this.#slots.delete(number);
  }

  /** Drops what has expired in the present slot, where room is short. */
  #forgetExpired(now: number): void {
    const slot = this.#slots.get(Math.floor(now / SLOT));
    for (const tag of slot?.tags ?? []) {
      const expiresAt = this.#expiry.get(tag)!;
      if (expiresAt >= now) continue;
      this.#forget(tag, expiresAt);
      this.#knowsSince = Math.max(this.#knowsSince, slot!.last);
    }
  }
}
