/**
 * Watches for the end of a connection that is not being read, by reading ahead.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Connection } from "./connection.ts";
import { WrappedConnection } from "./wrap_connection.ts";

/** Most memory held for bytes read ahead. Beyond it the watch stops, and the peer has to wait. */
const MOST = 65_536;

/** How a connection ended. */
export interface PeerEnd {
  /** Why the connection cannot be read; `undefined` if the peer ended it. */
  readonly failure: unknown;
  /** Whether bytes came before the end that are not read yet. */
  readonly hasUnread: boolean;
}

/** A watch that is under way. */
interface Watch {
  readonly onEnd: (end: PeerEnd) => void;
  readonly onFull: () => void;
  /** Reads that were looked at, and the memory of their bytes. */
  seen: number;
  held: number;
}

/** Watches for the end of a connection. The bytes that it reads ahead come first in {@linkcode EndWatcher.rest}. */
export class EndWatcher implements Disposable {
  readonly #connection: Connection;
  /** Results of reads that {@linkcode EndWatcher.rest} has not given yet, in order; the last one may be pending. */
  readonly #reads: Promise<Bytes | null>[] = [];
  #watch: Watch | undefined;
  /** Number of the current watch: a read that is left of an earlier one tells nobody, and keeps nothing of it. */
  #turn = 0;

  /**
   * Creates a watcher.
   *
   * @param connection The connection to watch.
   * @param onEnd Called as by {@linkcode EndWatcher.watch}, which starts at once if this is given.
   */
  constructor(connection: Connection, onEnd?: (end: PeerEnd) => void) {
    this.#connection = connection;
    if (onEnd !== undefined) this.watch(onEnd);
  }

  /**
   * Starts to read ahead, until the watcher is disposed. Do not read {@linkcode EndWatcher.rest} meanwhile.
   *
   * @param onEnd Called at the peer's end or a failed read, unless the watcher is disposed first.
   * @param onFull Called when no more is read ahead, so that an end would not be seen.
   */
  watch(onEnd: (end: PeerEnd) => void, onFull: () => void = () => {}): void {
    this.#watch = { onEnd, onFull, seen: 0, held: 0 };
    this.#turn++;
    this.#readAhead(this.#watch);
  }

  /** Reads once more. A read of an earlier watch may be left. */
  #readAhead(watch: Watch): void {
    if (watch.held >= MOST) return watch.onFull();
    const turn = this.#turn;
    let reading: Promise<Bytes | null>;
    try {
      if (watch.seen === this.#reads.length) this.#reads.push(this.#connection.read(this.memory(watch.held)));
      reading = this.#reads[watch.seen]!;
    } catch (error) {
      reading = Promise.reject(error);
    }
    watch.seen++;
    reading.then((bytes) => this.#came(turn, bytes), (failure) => this.#ended(turn, failure));
  }

  /**
   * Returns memory for the next read; `undefined` for what the connection takes by itself. Bytes behind a message of a handshake are handed
   * on as they were read, so that a short read there would cut them.
   *
   * @param _held Memory of the bytes that were read ahead.
   */
  protected memory(_held: number): Bytes | undefined {
    return undefined;
  }

  #came(turn: number, bytes: Bytes | null): void {
    const watch = this.#watch;
    if (turn !== this.#turn || watch === undefined) return;
    if (bytes === null) return this.#ended(turn, undefined);
    // A few bytes may hold much memory.
    watch.held += bytes.buffer.byteLength;
    this.#readAhead(watch);
  }

  #ended(turn: number, failure: unknown): void {
    const watch = this.#watch;
    if (turn === this.#turn) watch?.onEnd({ failure, hasUnread: watch.held > 0 });
  }

  /** Returns the connection, with the bytes in front that were read ahead. */
  rest(): Connection {
    return new WatchedConnection(this.#connection, this.#reads);
  }

  /** Stops reading ahead. */
  [Symbol.dispose](): void {
    this.#watch = undefined;
  }
}

class WatchedConnection extends WrappedConnection {
  readonly #reads: Promise<Bytes | null>[];

  constructor(connection: Connection, reads: Promise<Bytes | null>[]) {
    super(connection);
    this.#reads = reads;
  }

  override get isSpent(): boolean {
    return this.#reads.length === 0;
  }

  override read(into?: Bytes): Promise<Bytes | null> {
    return this.#reads.shift() ?? this.below.read(into);
  }
}
