/**
 * What is read of a connection before anybody asks for it, so that its end is noticed meanwhile.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Connection } from "./connection.ts";
import { withReads } from "./prefix.ts";

/** Memory that is held for who will ask; there is no watching beyond it, and the peer has to wait. */
const MOST = 65_536;

/** How a connection came to its end. */
export interface PeerEnd {
  /** Why it cannot be read; `undefined` where the peer has ended it. */
  readonly failure: unknown;
  /** Whether bytes came in front of the end that nobody has read yet. */
  readonly early: boolean;
}

/** Reads while nobody asks. Everything that was read comes first in what goes on from there. */
export class EndWatcher implements Disposable {
  readonly #connection: Connection;
  /** Reads that nobody has asked for, in their order; the last one may be under way. */
  readonly #reads: Promise<Bytes | null>[] = [];
  /** Who watches now. */
  #watch: symbol | undefined;

  /**
   * Makes one.
   *
   * @param connection What is read.
   * @param onEnd As for {@linkcode watch}, which begins at once where this is given.
   */
  constructor(connection: Connection, onEnd?: (end: PeerEnd) => void) {
    this.#connection = connection;
    if (onEnd !== undefined) this.watch(onEnd);
  }

  /**
   * Begins to read, until it is disposed. Nobody may read {@linkcode rest} meanwhile.
   *
   * @param onEnd Told of the peer's end, or of a failure to read, where that comes before it is disposed.
   * @param onFull Told that so much has come that no more is read, and no end is seen.
   */
  watch(onEnd: (end: PeerEnd) => void, onFull: () => void = () => {}): void {
    const watch = Symbol();
    this.#watch = watch;
    void this.#readAll(watch, onEnd, onFull);
  }

  async #readAll(watch: symbol, onEnd: (end: PeerEnd) => void, onFull: () => void): Promise<void> {
    let held = 0;
    const tell = (failure: unknown) => {
      if (this.#watch === watch) onEnd({ failure, early: held > 0 });
    };
    try {
      for (let i = 0; held < MOST && this.#watch === watch; i++) {
        // One may be left of an earlier watch.
        if (i === this.#reads.length) this.#reads.push(this.#connection.read());
        const bytes = await this.#reads[i]!;
        if (bytes === null) return tell(undefined);
        // Few bytes may hold much memory.
        held += bytes.buffer.byteLength;
      }
      if (this.#watch === watch) onFull();
    } catch (error) {
      tell(error);
    }
  }

  /** The connection, with what was read in front. */
  rest(): Connection {
    const connection = this.#connection;
    return withReads(connection, { read: (into) => this.#reads.shift() ?? connection.read(into) });
  }

  /** Begins no more reads. */
  [Symbol.dispose](): void {
    this.#watch = undefined;
  }
}
