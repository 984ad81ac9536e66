/**
 * The interface of a replay cache: an authenticator is accepted once (RFC 4120 section 3.2.3). A cache remembers a hash of the
 * encrypted authenticator, which cannot be changed without breaking its seal.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import type { Bytes } from "../../../base/bytes.ts";
import { andThen, type Eventually } from "../../../base/eventually.ts";
import { systemPrimitives } from "../../crypto/primitives/system.ts";

/** Remembers authenticators. All acceptors of one service must share one. */
export interface ReplayCache {
  /**
   * The time since which the cache knows every authenticator that was accepted, in milliseconds since the epoch: for a cache
   * in memory, when it was created. A context without mutual authentication is refused if its authenticator may have been used
   * before that time (RFC 4120 section 3.2.3: until the skew has passed). With mutual authentication the acceptor's subkey
   * protects against replays.
   *
   * @default {undefined: all of them, for a store that outlives the process}
   */
  readonly knowsSince?: number | undefined;
  /**
   * Remembers `tag` until `expiresAt` and returns whether it is new. Both are one step: of two calls with the same tag, even
   * concurrent ones, at most one returns `true`.
   *
   * @param entry Tag of the authenticator, its expiry and the present time, in milliseconds.
   * @throws {Error} When the cache cannot decide; the authenticator is then refused.
   */
  insert(entry: ReplayEntry): boolean | Promise<boolean>;
}

/** One authenticator. */
export interface ReplayEntry {
  /** Hash of the encrypted authenticator, in hexadecimal. */
  readonly tag: string;
  /** When it may be forgotten, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Present time, in milliseconds since the epoch. */
  readonly now: number;
  /** When it was made, by its client's clock, in milliseconds since the epoch. */
  readonly madeAt?: number | undefined;
  /** Its client, so that one client cannot fill the cache. @default {all count as one client} */
  readonly client?: string | undefined;
}

/** Tag of an encrypted authenticator: SHA-256. */
export function replayTag(cipher: Bytes): Eventually<string> {
  return andThen(systemPrimitives.digest("SHA-256", cipher), encodeHex);
}
