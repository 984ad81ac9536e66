/**
 * A replay cache in shared memory, for several threads that accept with the same keys.
 *
 * It is a table of buckets with room for sixteen authenticators each. The first bytes of a tag choose its bucket, so no entry
 * is ever moved; an expired entry is overwritten. Each bucket has a lock, which is held while sixteen entries are compared. A
 * thread that ends while it holds a lock leaves that bucket locked, which looks the same as a slow thread: authenticators of
 * that bucket are refused from then on, until all threads are restarted.
 *
 * @module
 */
import { type Runtime, systemRuntime } from "../../../base/runtime.ts";
import type { ReplayCache, ReplayEntry } from "./cache.ts";
import { isShareUsed, shareUsedError } from "./share.ts";
import { StartTime } from "./start_time.ts";

/** Authenticators in a bucket. */
const SLOTS = 16;
/** Words of a slot: 128 bits of the tag, the second in which it expires, and the number of its client. */
const SLOT_WORDS = 6;
const TAG_WORDS = 4;
const EXPIRY = TAG_WORDS;
const CLIENT = TAG_WORDS + 1;
/** Words of a bucket: a lock and the slots. */
const BUCKET_WORDS = 1 + SLOTS * SLOT_WORDS;
/** Words before the buckets: when the memory was first used, and when the last forgotten entry was inserted, in seconds. */
const HEADER_WORDS = 2;
const [BEGUN, FORGOTTEN] = [0, 1];

const FREE = 0;
const HELD = 1;
/** Held for so long that no thread waits for it. */
const GIVEN_UP = 2;
/** Milliseconds of one wait for a lock, and the number of waits: a thread holds a lock for microseconds of its own time. */
const WAIT = 5;
const WAITS = 20;
/** How often other threads may take the lock first before this one gives up. */
const TRIES = 10_000;

/** Times of an entry, in seconds, and its client. */
interface EntryTerms {
  readonly now: number;
  readonly expiresAt: number;
  /** How long it is kept. */
  readonly kept: number;
  /** Number of the client, 0 if unknown. */
  readonly client: number;
}

/** Options of a {@linkcode SharedReplayCache}. */
export interface SharedReplayCacheOptions {
  /**
   * Authenticators that fit, 24 bytes each; memory is not touched before it is used. With a quarter of them in force, one in a
   * million is refused because its bucket is full; with a twelfth, if all are one client's, which has half of each bucket.
   *
   * @default {4194304}
   */
  readonly capacity?: number | undefined;
  /** Memory of another cache, to share it. @default {fresh memory} */
  readonly memory?: SharedArrayBuffer | undefined;
  /** Clock for {@linkcode SharedReplayCache.knowsSince}. @default {the system's} */
  readonly runtime?: Runtime | undefined;
  /** A monotonic clock, in milliseconds. @default {the system's; the clock of `runtime` if that is given} */
  readonly elapsed?: (() => number) | undefined;
}

/**
 * A replay cache that several threads share: pass {@linkcode memory} to the other threads.
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
  /** The memory that is shared. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #buckets: number;
  readonly #started: StartTime;

  /**
   * Creates a cache.
   *
   * @param options Capacity, or memory of another cache.
   * @throws {TypeError} When `memory` is no SharedArrayBuffer and so would not be shared.
   * @throws {RangeError} When no bucket fits.
   */
  constructor(options: SharedReplayCacheOptions = {}) {
    const buckets = Math.ceil((options.capacity ?? 4_194_304) / SLOTS);
    if (options.memory !== undefined && !(options.memory instanceof SharedArrayBuffer)) {
      throw new TypeError("Cannot create replay cache: its memory is no SharedArrayBuffer and would not be shared");
    }
    this.memory = options.memory ?? new SharedArrayBuffer(4 * (HEADER_WORDS + BUCKET_WORDS * buckets));
    this.#words = new Int32Array(this.memory);
    this.#buckets = Math.floor((this.#words.length - HEADER_WORDS) / BUCKET_WORDS);
    if (!(this.#buckets >= 1)) {
      throw new RangeError(`Cannot create replay cache: ${this.memory.byteLength} bytes are less than one bucket`);
    }
    const now = (options.runtime ?? systemRuntime).now();
    const present = Math.ceil(now / 1000) | 0;
    const begun = Atomics.compareExchange(this.#words, BEGUN, 0, present) || present;
    this.#started = new StartTime(options, Math.max(0, now - 1000 * (begun >>> 0)));
  }

  /**
   * When a thread first used the memory, by the clock as it is set now, or, if later, when the last entry was inserted that has
   * been overwritten since: such an authenticator may be in force again after a clock that was ahead has been set back.
   */
  get knowsSince(): number {
    const forgotten = 1000 * (Atomics.load(this.#words, FORGOTTEN) >>> 0);
    return Math.max(1000 * Math.ceil(this.#started.wallTime / 1000), forgotten);
  }

  /**
   * See {@linkcode ReplayCache.insert}. It may block the thread for a tenth of a second, once for each lock that an ended thread
   * still holds.
   *
   * @throws {Error} When the bucket is full or stays locked.
   */
  insert({ tag, expiresAt, now, client }: ReplayEntry): boolean {
    if (!/^[0-9a-f]{32}/.test(tag)) throw new TypeError("Cannot detect replays: the tag is not hexadecimal");
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

  #place(first: number, tag: readonly number[], terms: EntryTerms): boolean {
    const words = this.#words;
    let room: number | undefined;
    let [free, held] = [0, 0];
    for (let slot = first; slot < first + SLOTS * SLOT_WORDS; slot += SLOT_WORDS) {
      if (words[slot + EXPIRY]! >>> 0 < terms.now) {
        room ??= slot;
        free++;
      } else if (tag.every((word, i) => words[slot + i] === word)) return false;
      else if (words[slot + CLIENT] === terms.client) held++;
    }
    if (room === undefined) throw new Error("Cannot detect replays: the replay cache is full");
    if (terms.client !== 0 && isShareUsed(held, SLOTS, free)) throw shareUsedError();
    // Every entry is kept for the same time, so this one was inserted that long before its expiry.
    const taken = words[room + EXPIRY]! >>> 0;
    if (taken !== 0) this.#noteForgotten(taken - terms.kept);
    for (const [i, word] of tag.entries()) words[room + i] = word;
    words[room + EXPIRY] = terms.expiresAt;
    words[room + CLIENT] = terms.client;
    return true;
  }

  /** Notes that an entry inserted in this second is forgotten. */
  #noteForgotten(second: number): void {
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
    // A thread that was only slow frees the lock when it is done.
    Atomics.compareExchange(this.#words, bucket, HELD, GIVEN_UP);
    throw new Error("Cannot detect replays: a thread keeps a part of the replay cache locked; restart all threads");
  }
}

/** The number of a client, shared with few others: FNV-1a over the name's UTF-16 units, never 0. */
function clientNumber(name: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash || 1;
}
