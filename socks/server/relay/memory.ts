/**
 * Memory of busy relays, which all of them share: a peer that takes nothing makes its relay hold what was read for it, and there may be
 * as many such peers as there are sessions.
 *
 * @module
 */
import { BufferPool } from "../../../base/buffer_pool.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { LARGEST_READ, ReadSize } from "../../stream/read_size.ts";

/** What fits into one message of RFC 1961 at every level: a relay that has carried little yet reads no more at a time. */
export const MEDIUM: number = 32_768;
/** Bytes that a direction has carried when it is worth {@linkcode LARGEST_READ} reads: more than sockets hold for one who takes nothing. */
export const PROVEN: number = 1 << 24;
/** Bytes read at a time while there is no more memory to be had. */
export const SCARCE: number = 8_192;

/** Bytes that relays hold of what was read, at most, beside {@linkcode SCARCE} ones. */
const MOST = 1 << 28;
/** Part of it that large reads may take: with more relays than that at work, larger reads gain nothing. */
const MOST_LARGE = 1 << 26;

/** Gives buffers, and smaller ones the more of it is in use. */
export class RelayMemory {
  readonly #large = new BufferPool(LARGEST_READ, 256);
  readonly #medium = new BufferPool(MEDIUM, 256);
  readonly #most: number;
  readonly #mostLarge: number;
  #used = 0;

  /**
   * Makes one.
   *
   * @param most Bytes in use at most, but for the smallest buffers.
   * @param mostLarge Part of it that large buffers may take.
   */
  constructor(most: number = MOST, mostLarge: number = MOST_LARGE) {
    this.#most = most;
    this.#mostLarge = mostLarge;
  }

  /** Bytes of the buffers in use. */
  get used(): number {
    return this.#used;
  }

  /** A buffer for a busy direction, {@linkcode LARGEST_READ} where it has shown that what it reads goes somewhere. */
  take(proven: boolean): Bytes {
    const buffer = this.#choose(proven);
    this.#used += buffer.length;
    return buffer;
  }

  #choose(proven: boolean): Bytes {
    if (proven && this.#used + LARGEST_READ <= this.#mostLarge) return this.#large.acquire();
    if (this.#used + MEDIUM <= this.#most) return this.#medium.acquire();
    return new Uint8Array(SCARCE);
  }

  /**
   * Takes one back.
   *
   * @param length Bytes that it had, which whoever had it may have transferred since.
   * @param reusable Whether nobody else has it any more.
   */
  giveBack(buffer: Bytes, length: number, reusable: boolean): void {
    this.#used -= length;
    if (!reusable) return;
    this.#large.release(buffer);
    this.#medium.release(buffer);
  }
}

/** Memory of one direction. */
export class Room implements Disposable {
  readonly #memory: RelayMemory;
  readonly #size = new ReadSize();
  /** Buffers of the memory that all share. */
  readonly #taken = new Map<Bytes, number>();
  #carried = 0;

  constructor(memory: RelayMemory) {
    this.#memory = memory;
  }

  /** Takes in what the last read brought. */
  learn(count: number): void {
    this.#carried += count;
    this.#size.learn(count);
  }

  /** For the next read. An idle direction, and one in which little comes, holds memory of its own, which is little. */
  take(): Bytes {
    const { next } = this.#size;
    if (next < LARGEST_READ) return new Uint8Array(next);
    const buffer = this.#memory.take(this.#carried >= PROVEN);
    this.#taken.set(buffer, buffer.length);
    return buffer;
  }

  /** What lay in it has gone. */
  giveBack(buffer: Bytes): void {
    const length = this.#taken.get(buffer);
    if (length === undefined) return;
    this.#taken.delete(buffer);
    this.#memory.giveBack(buffer, length, true);
  }

  /** Somebody may still be at what was not given back. */
  [Symbol.dispose](): void {
    for (const [buffer, length] of this.#taken) this.#memory.giveBack(buffer, length, false);
  }
}
