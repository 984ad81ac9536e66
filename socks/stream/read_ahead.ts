/**
 * What is read of a connection before anybody asks for it, so that its end is noticed meanwhile.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import { type Connection, withReads } from "./connection.ts";

/** Memory that is held for who will ask; there is no watching beyond it, and the peer has to wait. */
const MOST = 65_536;

/** Reads until it is disposed. Everything that was read comes first in what goes on from there. */
export class ReadAhead implements Disposable {
  readonly #connection: Connection;
  /** Reads that nobody has asked for, in their order; the last one may be under way. */
  readonly #reads: Promise<Bytes | null>[] = [];
  #stopped = false;

  /**
   * Begins to read.
   *
   * @param connection What is read.
   * @param onEnd Told of the peer's end, or of a failure to read, where that comes before it is disposed.
   */
  constructor(connection: Connection, onEnd: (failure: unknown) => void) {
    this.#connection = connection;
    void this.#readAll(onEnd);
  }

  async #readAll(onEnd: (failure: unknown) => void): Promise<void> {
    try {
      for (let held = 0; held < MOST;) {
        const reading = this.#connection.read();
        this.#reads.push(reading);
        const bytes = await reading;
        if (this.#stopped) return;
        if (bytes === null) return onEnd(undefined);
        // Few octets may hold much memory.
        held += bytes.buffer.byteLength;
      }
    } catch (error) {
      if (!this.#stopped) onEnd(error);
    }
  }

  /** The connection, with what was read in front. */
  rest(): Connection {
    const connection = this.#connection;
    return withReads(connection, { read: (into) => this.#reads.shift() ?? connection.read(into) });
  }

  /** Begins no more reads. */
  [Symbol.dispose](): void {
    this.#stopped = true;
  }
}
