/**
 * A replay cache in shared memory, for several threads that accept with the same keys.
 *
 * A table of buckets with room for a few authenticators each; a tag says by its first bytes which bucket it belongs to, so
 * nothing is ever moved, and one that has expired makes room by itself. Each bucket has a lock, held for the time that it
 * takes to look at sixteen numbers. A thread that ends while it holds one leaves that bucket locked: nobody can tell it from
 * one that is only slow, so that what belongs there is refused from then on, at once, until all threads are started anew.
 *
 * @module
 */
import { type Runtime, systemRuntime } from "../../../base/runtime.ts";
import { Age, hasShare, type ReplayCache, type ReplayEntry, shareUsedUp } from "./replay_cache.ts";

/** Authenticators in a bucket. */
const SLOTS = 16;
/** Words of a slot: 128 bits of the tag, the second in which it expires, and whose it is. */
const SLOT_WORDS = 6;
const TAG_WORDS = 4;
const EXPIRY = TAG_WORDS;
const CLIENT = TAG_WORDS + 1;
/** A lock and the slots. */
const BUCKET_WORDS = 1 + SLOTS * SLOT_WORDS;
/** In front of the buckets: the second in which the memory was first used, and that in which the last of the forgotten ones came. */
const HEADER_WORDS = 2;
const [BEGUN, FORGOTTEN] = [0, 1];

const FREE = 0;
const HELD = 1;
/** Held for so long that nobody waits any more. */
const GIVEN_UP = 2;
/** Milliseconds to wait for a lock at one time, and how often: a thread in possession needs microseconds once it runs. */
const WAIT = 5;
const WAITS = 20;
/** How often another one may come first before that counts as waiting in vain. */
const TRIES = 10_000;

/** When an authenticator comes, until when it is kept and how long that is, in seconds, and whose it is. */
interface Kept {
  readonly now: number;
  readonly expiresAt: number;
  readonly kept: number;
  /** 0 for everybody. */
  readonly client: number;
}

/** What {@linkcode SharedReplayCache} takes. */
export interface SharedReplayCacheOptions {
  /**
   * Authenticators that there is room for, 24 bytes each; memory is not touched before it is used. A quarter of them may be
   * in force before one in a million finds its place taken and is refused; a twelfth, where all of them are one client's, who has half
   * of each place at most.
   *
   * @default {4194304}
   */
  readonly capacity?: number | undefined;
  /** Memory of another one, to share it. @default {memory of its own} */
  readonly memory?: SharedArrayBuffer | undefined;
  /** Clock that says since when it knows everything. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /** Milliseconds since some time in the past, by a clock that nobody sets. @default {the system's; where `runtime` is given, its} */
  readonly elapsed?: (() => number) | undefined;
}

/**
 * A replay cache that several threads share: hand {@linkcode memory} to the others.
 *
 * @example
 * ```ts
 * import { SharedReplayCache } from "@gssocks/gssocks/kerberos";
 *
 * const ours = new SharedReplayCache({ capacity: 1024 });
 * const theirs = new SharedReplayCache({ memory: ours.memory });
 * const entry = { tag: "00112233445566778899aabbccddeeff", now: 1_000, expiresAt: 600_000 };
 * if (!ours.insert(entry) || theirs.insert(entry)) throw new Error("not shared");
 * ```
 */
export class SharedReplayCache implements ReplayCache {
  /** What is shared. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #buckets: number;
  readonly #age: Age;

  /**
   * Makes one.
   *
   * @param options Size, or memory of another one.
   * @throws {TypeError} When `memory` is of another kind, which would not be shared.
   * @throws {RangeError} When there is no room for any: what is written beyond it would be forgotten at once.
   */
  constructor(options: SharedReplayCacheOptions = {}) {
    const buckets = Math.ceil((options.capacity ?? 4_194_304) / SLOTS);
    if (options.memory !== undefined && !(options.memory instanceof SharedArrayBuffer)) {
      throw new TypeError("Cannot make replay cache: its memory is no SharedArrayBuffer, and nobody would share it");
    }
    this.memory = options.memory ?? new SharedArrayBuffer(4 * (HEADER_WORDS + BUCKET_WORDS * buckets));
    this.#words = new Int32Array(this.memory);
    this.#buckets = Math.floor((this.#words.length - HEADER_WORDS) / BUCKET_WORDS);
    if (!(this.#buckets >= 1)) {
      throw new RangeError(`Cannot make replay cache: ${this.memory.byteLength} bytes have room for none`);
    }
    const now = (options.runtime ?? systemRuntime).now();
    const present = Math.ceil(now / 1000) | 0;
    const begun = Atomics.compareExchange(this.#words, BEGUN, 0, present) || present;
    this.#age = new Age(options, Math.max(0, now - 1000 * (begun >>> 0)));
  }

  /**
   * When the first thread began to use the memory, by the clock as it is now, or when the last of those came whose place was taken
   * since: after a clock that was ahead for a while and set right again, these might be accepted once more.
   */
  get knowsSince(): number {
    const forgotten = 1000 * (Atomics.load(this.#words, FORGOTTEN) >>> 0);
    return Math.max(1000 * Math.ceil(this.#age.since / 1000), forgotten);
  }

  /**
   * See {@linkcode ReplayCache.insert}. It may block the thread for a tenth of a second, once for each lock that a thread
   * took with it.
   *
   * @throws {Error} When there is no room, or the lock cannot be had.
   */
  insert({ tag, expiresAt, now, client }: ReplayEntry): boolean {
    if (!/^[0-9a-f]{32}/.test(tag)) throw new TypeError("Cannot tell a replay: the tag is not hexadecimal");
    const words = Array.from({ length: TAG_WORDS }, (_, i) => parseInt(tag.slice(8 * i, 8 * i + 8), 16) | 0);
    const bucket = HEADER_WORDS + BUCKET_WORDS * ((words[0]! >>> 0) % this.#buckets);
    this.#lock(bucket);
    try {
      return this.#place(bucket + 1, words, {
        now: Math.floor(now / 1000),
        expiresAt: Math.ceil(expiresAt / 1000),
        kept: Math.floor((expiresAt - now) / 1000),
        client: client === undefined ? 0 : clientNumber(client),
      });
    } finally {
      Atomics.store(this.#words, bucket, FREE);
      Atomics.notify(this.#words, bucket, 1);
    }
  }

  #place(first: number, tag: readonly number[], time: Kept): boolean {
    const words = this.#words;
    let room: number | undefined;
    let [free, held] = [0, 0];
    for (let slot = first; slot < first + SLOTS * SLOT_WORDS; slot += SLOT_WORDS) {
      if (words[slot + EXPIRY]! >>> 0 < time.now) {
        room ??= slot;
        free++;
      } else if (tag.every((word, i) => words[slot + i] === word)) return false;
      else if (words[slot + CLIENT] === time.client) held++;
    }
    if (room === undefined) throw new Error("Cannot tell a replay: the replay cache is full");
    if (time.client !== 0 && hasShare(held, SLOTS, free)) throw shareUsedUp();
    // All are remembered for as long as this one.
    const taken = words[room + EXPIRY]! >>> 0;
    if (taken !== 0) this.#forgotten(taken - time.kept);
    for (const [i, word] of tag.entries()) words[room + i] = word;
    words[room + EXPIRY] = time.expiresAt;
    words[room + CLIENT] = time.client;
    return true;
  }

  /** One that came in this second is not known any more. */
  #forgotten(second: number): void {
    for (;;) {
      const last = Atomics.load(this.#words, FORGOTTEN);
      if (second <= last >>> 0 || Atomics.compareExchange(this.#words, FORGOTTEN, last, second | 0) === last) return;
    }
  }

  #lock(bucket: number): void {
    for (let tries = 0, waits = 0; tries < TRIES && waits < WAITS; tries++) {
      const found = Atomics.compareExchange(this.#words, bucket, FREE, HELD);
      if (found === FREE) return;
      if (found === GIVEN_UP) break;
      if (Atomics.wait(this.#words, bucket, HELD, WAIT) === "timed-out") waits++;
    }
    // If it is only slow after all, it sets the lock free when it is done.
    Atomics.compareExchange(this.#words, bucket, HELD, GIVEN_UP);
    throw new Error("Cannot tell a replay: a thread keeps a part of the replay cache locked; start all of them anew");
  }
}

/** A number that a client has, and few others: FNV-1a over the name's UTF-16 units, never 0. */
function clientNumber(name: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash || 1;
}
