/**
 * Replay caches: an authenticator is good once (RFC 4120 section 3.2.3). What is kept is a hash over the encrypted
 * authenticator, which nobody can change and leave genuine.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import type { Bytes } from "../../gss/bytes.ts";
import { systemPrimitives } from "../crypto/node_primitives.ts";

/** Remembers authenticators. Several acceptors of one service must share one. */
export interface ReplayCache {
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
}

/** A replay cache in memory, for one process. */
export class MemoryReplayCache implements ReplayCache {
  /** In order of insertion, which is nearly the order of expiry. */
  readonly #expiry = new Map<string, number>();
  readonly #capacity: number;

  /**
   * Makes one.
   *
   * @param options Limits.
   */
  constructor(options: MemoryReplayCacheOptions = {}) {
    this.#capacity = options.capacity ?? 1_000_000;
  }

  /** Authenticators remembered. */
  get size(): number {
    return this.#expiry.size;
  }

  /** See {@linkcode ReplayCache.insert}. */
  insert(entry: ReplayEntry): boolean {
    const { tag, expiresAt, now } = entry;
    const held = this.#expiry.get(tag);
    if (held !== undefined && held >= now) return false;
    this.#forget(now);
    if (this.#expiry.size >= this.#capacity) throw new Error("Cannot tell a replay: the replay cache is full");
    this.#expiry.delete(tag);
    this.#expiry.set(tag, expiresAt);
    return true;
  }

  /** Drops expired entries from the old end; one that outlives its neighbours only waits there a little longer. */
  #forget(now: number): void {
    for (const [tag, expiresAt] of this.#expiry) {
      if (expiresAt >= now) break;
      this.#expiry.delete(tag);
    }
  }
}
