/**
 * A connection as a stream of Node's modules that never ends and never fails by itself.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { Bytes } from "../../base/bytes.ts";
import { asError } from "../../base/reason.ts";
import type { Connection } from "../stream/connection.ts";
import { ReadSize } from "../stream/read_size.ts";

/** How a connection has ended: with the peer's last byte, or with an error. */
export interface CarrierEnd {
  /** Why, where it was no end. */
  readonly error?: Error;
}

/**
 * Carries bytes between a connection and what Node's modules put on a stream, TLS for one. What becomes of the connection is
 * not told to the stream, which would make an end of it and drop what it still holds, but here.
 */
export class Carrier {
  /** The stream. */
  readonly stream: Duplex;
  /** Whether the reader has as much as it wants; nothing is read then until {@linkcode resume}. */
  full: () => boolean = () => false;
  /** Called when the connection has ended, and the stream has passed on all that came. */
  onEnd: (end: CarrierEnd) => void = () => {};
  /** Called when nothing more can be sent. */
  onWriteFailure: (error: Error) => void = () => {};
  readonly #connection: Connection;
  readonly #readSize = new ReadSize();
  /** What the next bytes are read into: who takes them off the stream copies them. */
  #room: Bytes | undefined;
  #end: CarrierEnd | undefined;
  #waiting = false;
  #writing: Promise<void> | undefined;
  #writeFailure: Error | undefined;

  /**
   * Makes one.
   *
   * @param Stream Node's class.
   * @param connection What carries the bytes.
   */
  constructor(Stream: typeof Duplex, connection: Connection) {
    this.#connection = connection;
    this.stream = new Stream({
      read: () => this.#read(),
      write: (chunk: Uint8Array, _encoding: unknown, done: () => void) => {
        this.#writing = this.#write(chunk).then(done);
      },
    });
    // What is on the stream may break it, and has its own events to say so; an error that nobody listens to ends the process.
    this.stream.on("error", () => {});
  }

  /** How the connection has ended; `undefined` while it has not, or while the stream still holds what came. */
  get end(): CarrierEnd | undefined {
    return this.stream.readableLength === 0 ? this.#end : undefined;
  }

  /** Why nothing more can be sent. */
  get writeFailure(): Error | undefined {
    return this.#writeFailure;
  }

  /** To be called once whoever reads the stream does, so that {@linkcode onEnd} comes behind the last bytes. */
  watch(): void {
    this.stream.on("data", () => this.#told());
  }

  /** Reads on, where the reader was full. */
  resume(): void {
    if (!this.#waiting || this.full()) return;
    this.#waiting = false;
    void this.#pull();
  }

  /** Resolved when all that was put on the stream is sent, or cannot be. */
  async flushed(): Promise<void> {
    // What TLS has to say is put on the stream some microtasks later.
    for (let turns = 0; turns < TURNS; turns++) {
      if (this.stream.destroyed) return;
      const { writableLength } = this.stream;
      await this.#writing;
      if (this.stream.writableLength < writableLength) turns = 0;
    }
  }

  #read(): void {
    this.#waiting = true;
    this.resume();
  }

  async #pull(): Promise<void> {
    try {
      const { next } = this.#readSize;
      if (this.#room?.length !== next) this.#room = new Uint8Array(next);
      const bytes = await this.#connection.read(this.#room);
      if (bytes !== null) {
        this.#readSize.learn(bytes.length);
        this.stream.push(bytes);
        // Memory that the stream still holds is not used again.
        if (this.stream.readableLength > 0) this.#room = undefined;
        return;
      }
      this.#end = {};
    } catch (error) {
      this.#end = { error: asError(error) };
    }
    this.#told();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (this.#writeFailure !== undefined) return;
    try {
      await this.#connection.write(chunk);
    } catch (error) {
      this.#writeFailure = asError(error);
      this.onWriteFailure(this.#writeFailure);
    }
  }

  #told(): void {
    if (this.end !== undefined) this.onEnd(this.end);
  }
}

/** More than the few microtasks between the end of a TLS socket's writing and its close_notify on the stream. */
const TURNS = 16;
