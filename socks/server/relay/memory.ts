/**
 * Buffers that all busy relays share. A relay holds the bytes that its peer does not take, and every session may have such a peer: so the
 * memory of all relays together is limited.
 *
 * @module
 */
import { BufferPool } from "../../../base/buffer_pool.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { LARGEST_READ, ReadSize, SHORT_READ } from "../../stream/read_size.ts";

/** Bytes that fit into one message of RFC 1961 at every level: a relay reads that many at a time until it is proven. */
export const MEDIUM: number = 32_768;
/**
 * Bytes that a proven direction reads at a time. Each read of a socket may wake its sender: 512 KiB took a fifth less processor time for
 * a byte than 256 KiB did, and 1 MiB little less again.
 */
export const LARGE: number = 524_288;
/** Bytes after which a direction is proven, and reads {@linkcode LARGE} buffers: more than sockets hold for a peer that takes nothing. */
export const PROVEN: number = 1 << 24;
/** Bytes read at a time when the shared memory is used up. */
export const SCARCE: number = 8_192;

/** Most bytes of shared buffers in use, not counting {@linkcode SCARCE} ones. */
const MOST = 1 << 28;
/** Most bytes of large buffers in use: with more relays at work, larger reads gain nothing. */
const MOST_LARGE = 1 << 26;

/** A limited amount of memory for buffers: the more is in use, the smaller are the buffers. */
export class RelayMemory {
  readonly #large = new BufferPool(LARGE, 128);
  readonly #medium = new BufferPool(MEDIUM, 256);
  readonly #most: number;
  readonly #mostLarge: number;
  #used = 0;

  /**
   * Creates a memory of which nothing is in use.
   *
   * @param most Most bytes in use, not counting the smallest buffers.
   * @param mostLarge Most bytes of large buffers in use.
   */
  constructor(most: number = MOST, mostLarge: number = MOST_LARGE) {
    this.#most = most;
    this.#mostLarge = mostLarge;
  }

  /** Bytes of the buffers in use. */
  get used(): number {
    return this.#used;
  }

  /** Returns a buffer for a busy direction; a {@linkcode LARGE} one if the direction is proven. */
  acquire(proven: boolean): Bytes {
    const buffer = this.#choose(proven);
    this.#used += buffer.length;
    return buffer;
  }

  #choose(proven: boolean): Bytes {
    if (proven && this.#used + LARGE <= this.#mostLarge) return this.#large.acquire();
    if (this.#used + MEDIUM <= this.#most) return this.#medium.acquire();
    return new Uint8Array(SCARCE);
  }

  /**
   * Takes a buffer back.
   *
   * @param length Length that the buffer had; it is 0 now if the buffer was transferred.
   * @param reusable Whether nothing else uses the buffer any more.
   */
  release(buffer: Bytes, length: number, reusable: boolean): void {
    this.#used -= length;
    if (!reusable) return;
    this.#large.release(buffer);
    this.#medium.release(buffer);
  }
}

/** Buffers of one direction of a relay. */
export class DirectionBuffers implements Disposable {
  readonly #memory: RelayMemory;
  readonly #size = new ReadSize(SHORT_READ);
  /** Shared buffers in use, with their lengths; made with the first one, since an idle direction has none. */
  #taken: Map<Bytes, number> | undefined;
  /** A small buffer of its own that is not in use. */
  #spare: Bytes | undefined;
  #carried = 0;

  constructor(memory: RelayMemory) {
    this.#memory = memory;
  }

  /** Called with the number of bytes of each read, and of its buffer. */
  learn(count: number, room: number): void {
    this.#carried += count;
    this.#size.learn(count, room);
  }

  /** Returns a buffer for the next read. A direction with little to read gets a small buffer of its own. */
  acquire(): Bytes {
    const { next } = this.#size;
    if (next < LARGEST_READ) return this.#takeSpare(next) ?? new Uint8Array(next);
    const buffer = this.#memory.acquire(this.#carried >= PROVEN);
    (this.#taken ??= new Map()).set(buffer, buffer.length);
    return buffer;
  }

  #takeSpare(size: number): Bytes | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.length === size ? spare : undefined;
  }

  /** Takes a buffer back whose bytes were written. */
  release(buffer: Bytes): void {
    const length = this.#taken?.get(buffer);
    if (length === undefined) {
      this.#spare = buffer;
      return;
    }
    this.#taken?.delete(buffer);
    this.#memory.release(buffer, length, true);
  }

  /** Gives up the buffers in use, which are not used again: a call may still use them. */
  [Symbol.dispose](): void {
    for (const [buffer, length] of this.#taken ?? []) this.#memory.release(buffer, length, false);
  }
}
