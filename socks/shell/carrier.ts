/**
 * A stream for Node's modules (`node:stream`) over a connection. It never ends and never fails by itself.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { Bytes } from "../../base/bytes.ts";
import { asError } from "../../base/reason.ts";
import type { Connection } from "../stream/connection.ts";
import { ReadSize } from "../stream/read_size.ts";

/** How a connection has ended. */
export interface CarrierEnd {
  /** The error, if it did not end regularly. */
  readonly error?: Error;
}

/**
 * Carries bytes between a connection and a stream that Node's modules use, for example TLS. The end of the connection and its errors are
 * reported here and not on the stream, because the stream would end and discard the bytes that it still holds.
 */
export class CarrierStream {
  /** The stream. */
  readonly stream: Duplex;
  /** Whether the reader has enough. Nothing is read then until {@linkcode resume}. */
  full: () => boolean = () => false;
  /** Called when the connection has ended and the stream has passed on all bytes. */
  onEnd: (end: CarrierEnd) => void = () => {};
  /** Called when writing has failed. */
  onWriteFailure: (error: Error) => void = () => {};
  readonly #connection: Connection;
  readonly #readSize = new ReadSize();
  /** Memory for the next read. The reader of the stream copies the bytes, so it can be used again. */
  #buffer: Bytes | undefined;
  #end: CarrierEnd | undefined;
  #waiting = false;
  #writing: Promise<void> | undefined;
  #writeFailure: Error | undefined;

  /**
   * @param Stream Node's class `Duplex`.
   * @param connection The connection that carries the bytes.
   */
  constructor(Stream: typeof Duplex, connection: Connection) {
    this.#connection = connection;
    this.stream = new Stream({
      read: () => this.#read(),
      write: (chunk: Uint8Array, _encoding: unknown, done: () => void) => {
        this.#writing = this.#write(chunk).then(done);
      },
    });
    // The reader of the stream reports errors itself. An error event without a listener would end the process.
    this.stream.on("error", () => {});
  }

  /** How the connection has ended; `undefined` if it has not ended, or if the stream still holds bytes. */
  get end(): CarrierEnd | undefined {
    return this.stream.readableLength === 0 ? this.#end : undefined;
  }

  /** The error with which writing has failed. */
  get writeFailure(): Error | undefined {
    return this.#writeFailure;
  }

  /** Reports {@linkcode onEnd} after the last bytes. Call it once the reader of the stream listens. */
  watch(): void {
    this.stream.on("data", () => this.#reportEnd());
  }

  /** Continues reading if the reader was full. */
  resume(): void {
    if (!this.#waiting || this.full()) return;
    this.#waiting = false;
    void this.#pull();
  }

  /** Resolved when all bytes on the stream are sent, or writing has failed. */
  async flushed(): Promise<void> {
    // TLS puts its last records on the stream some microtasks later.
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
      if (this.#buffer?.length !== next) this.#buffer = new Uint8Array(next);
      const bytes = await this.#connection.read(this.#buffer);
      if (bytes !== null) {
        this.#readSize.learn(bytes.length);
        this.stream.push(bytes);
        // The stream still holds this memory.
        if (this.stream.readableLength > 0) this.#buffer = undefined;
        return;
      }
      this.#end = {};
    } catch (error) {
      this.#end = { error: asError(error) };
    }
    this.#reportEnd();
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

  #reportEnd(): void {
    if (this.end !== undefined) this.onEnd(this.end);
  }
}

/** More than the number of microtasks between the end of writing on a TLS socket and its close_notify on the stream. */
const TURNS = 16;
