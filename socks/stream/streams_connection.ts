/**
 * A connection over Web Streams that somebody else has made, who may do with them whatever streams allow.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { type Bytes, bytesOf } from "../../base/bytes.ts";
import { SocksConnectionError } from "../errors.ts";
import type { Endpoint } from "../wire/address.ts";
import { Chunk } from "./chunk.ts";
import { closedError } from "./closed_error.ts";
import type { Connection } from "./connection.ts";
import { SerialQueue } from "./serial_queue.ts";

/** Bytes given to a stream at a time: it tells when it has taken all of them, and not before. */
const PIECE = 65_536;

/** A connection over two streams, which are its own from then on. */
export class StreamsConnection implements Connection {
  readonly remote: Endpoint | undefined;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading = new SerialQueue();
  readonly #writing = new SerialQueue();
  #written = 0;
  /** Calls under way, to be failed when it is closed: a stream's own may wait for a source or a sink that stands still. */
  readonly #waiting = new Set<(reason: Error) => void>();
  #closed: Error | undefined;
  #readFailure: unknown;
  #writeFailure: unknown;
  #ending: Promise<void> | undefined;

  constructor(streams: DuplexStreams) {
    this.remote = streams.remote;
    this.#reader = streams.readable.getReader();
    this.#writer = streams.writable.getWriter();
  }

  get written(): number {
    return this.#written;
  }

  /** Calls at one time are served in order, also where empty chunks are left out. */
  read(): Promise<Bytes | null> {
    return this.#reading.run(() => this.#read());
  }

  async #read(): Promise<Bytes | null> {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#readFailure !== undefined) throw this.#readFailure;
    try {
      for (;;) {
        const { done, value } = await this.#untilClosed(this.#reader.read());
        if (done) return null;
        const bytes = ownCopy(value);
        if (bytes.length > 0) return bytes;
      }
    } catch (error) {
      throw this.#failReading(error);
    }
  }

  #failReading(error: unknown): unknown {
    if (this.#closed !== undefined) return this.#closed;
    this.#readFailure ??= lost(error);
    this.#reader.cancel(error).catch(() => {}); // Nothing more of it is wanted.
    return this.#readFailure;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const given = bytesOf(bytes);
    this.#mayGoOn();
    if (this.#ending !== undefined) throw closedError("Writing");
    // Small ones are copied now, since the caller may use its memory again while others are ahead.
    const chunk = new Chunk(given, true);
    await this.#writing.run(() => this.#writeAll(chunk));
  }

  async #writeAll(chunk: Chunk): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      this.#mayGoOn();
      // A copy, since who reads may hold on to it after it is written, and the caller may not wait for that.
      const piece = chunk.from(at, Math.min(PIECE, chunk.length - at)).slice();
      await this.#done(this.#writer.write(piece));
      at += piece.length;
      this.#written += piece.length;
    }
  }

  async closeWrite(): Promise<void> {
    this.#mayGoOn();
    await (this.#ending ??= this.#writing.run(() => this.#sendEnd()));
  }

  async #sendEnd(): Promise<void> {
    // It may have been closed while others were ahead.
    this.#mayGoOn();
    await this.#done(this.#writer.close());
  }

  #mayGoOn(): void {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
  }

  async #done(call: Promise<void>): Promise<void> {
    try {
      await this.#untilClosed(call);
    } catch (error) {
      throw this.#closed ?? (this.#writeFailure ??= lost(error));
    }
  }

  /** What the stream's call gives, unless this is closed first. Listeners of a signal would cost as much as there are calls, for each. */
  #untilClosed<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      call.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  close(): void {
    if (this.#closed !== undefined) return;
    const reason = this.#closed = closedError("The connection");
    for (const fail of this.#waiting) fail(reason);
    this.#reader.cancel(reason).catch(() => {});
    this.#writer.abort(reason).catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

/** Streams hand on the error of whoever is behind them, which may be one of ours and is about that one's connection. */
function lost(cause: unknown): SocksConnectionError {
  if (cause instanceof SocksConnectionError && cause.code === "LOST") return cause;
  const reason = reasonText(cause);
  return new SocksConnectionError("LOST", `Stream underneath has failed: ${reason}`, { cause });
}

/** A copy: whoever gave the chunk may use its memory again, and what is read is the reader's alone. */
function ownCopy(chunk: unknown): Bytes {
  try {
    return new Uint8Array(bytesOf(chunk));
  } catch (cause) {
    throw new SocksConnectionError("LOST", "The stream gave a chunk that is no bytes", { cause });
  }
}

/** A stream of bytes each way. */
export interface DuplexStreams {
  /** Bytes that come. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Bytes that go. */
  readonly writable: WritableStream<Uint8Array>;
  /** Address of the other end, where it has one. */
  readonly remote?: Endpoint | undefined;
}
