/**
 * Watches for the end of a connection that is not being read, by reading ahead.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Connection } from "./connection.ts";
import { withReads } from "./prefix.ts";

/** Most memory held for bytes read ahead. Beyond it the watch stops, and the peer has to wait. */
const MOST = 65_536;

/** How a connection ended. */
export interface PeerEnd {
  /** Why the connection cannot be read; `undefined` if the peer ended it. */
  readonly failure: unknown;
  /** Whether bytes came before the end that are not read yet. */
  readonly hasUnread: boolean;
}

/** Watches for the end of a connection. The bytes that it reads ahead come first in {@linkcode EndWatcher.rest}. */
export class EndWatcher implements Disposable {
  readonly #connection: Connection;
  /** Results of reads that {@linkcode EndWatcher.rest} has not given yet, in order; the last one may be pending. */
  readonly #reads: Promise<Bytes | null>[] = [];
  /** Identifies the current watch. */
  #watch: symbol | undefined;

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
    const watch = Symbol();
    this.#watch = watch;
    void this.#readAll(watch, onEnd, onFull);
  }

  async #readAll(watch: symbol, onEnd: (end: PeerEnd) => void, onFull: () => void): Promise<void> {
    let held = 0;
    const end = (failure: unknown) => {
      if (this.#watch === watch) onEnd({ failure, hasUnread: held > 0 });
    };
    try {
      for (let i = 0; held < MOST && this.#watch === watch; i++) {
        // A read of an earlier watch may be left.
        if (i === this.#reads.length) this.#reads.push(this.#connection.read());
        const bytes = await this.#reads[i]!;
        if (bytes === null) return end(undefined);
        // A few bytes may hold much memory.
        held += bytes.buffer.byteLength;
      }
      if (this.#watch === watch) onFull();
    } catch (error) {
      end(error);
    }
  }

  /** Returns the connection, with the bytes in front that were read ahead. */
  rest(): Connection {
    const connection = this.#connection;
    return withReads(connection, { read: (into) => this.#reads.shift() ?? connection.read(into) });
  }

  /** Stops reading ahead. */
  [Symbol.dispose](): void {
    this.#watch = undefined;
  }
}
