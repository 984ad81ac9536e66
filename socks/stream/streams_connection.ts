/**
 * A connection over Web Streams of a caller, which may behave in any way that streams allow.
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

/** Bytes per write to the stream, which reports progress only when it has taken a whole chunk. */
const PIECE = 65_536;

/** A connection over two streams, which it owns. */
export class StreamsConnection implements Connection {
  readonly remote: Endpoint | undefined;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading = new SerialQueue();
  readonly #writing = new SerialQueue();
  #written = 0;
  /** Rejects of pending calls, for `close()`: a call of the stream may wait for its source or its sink for ever. */
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

  /** Calls that overlap are served in order, also if empty chunks are skipped. */
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
    this.#reader.cancel(error).catch(() => {}); // The stream is not read any more.
    return this.#readFailure;
  }

  async write(bytes: Uint8Array): Promise<void> {
    // A small chunk is copied now, so that the caller may reuse its memory while earlier calls are served.
    const chunk = new Chunk(bytes, true);
    this.#mayGoOn();
    if (this.#ending !== undefined) throw closedError("Writing");
    await this.#writing.run(() => this.#writeAll(chunk));
  }

  async #writeAll(chunk: Chunk): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      this.#mayGoOn();
      // A copy: the reader of the stream may keep the chunk after the write.
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
    // The connection may have been closed while earlier calls were served.
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

  /** Waits for a call of the stream until this connection is closed. Cheaper than a listener per call on a signal. */
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

/** Creates the error of a stream that failed. A stream may pass on an error of this package about its own connection. */
function lost(cause: unknown): SocksConnectionError {
  if (cause instanceof SocksConnectionError && cause.code === "LOST") return cause;
  const reason = reasonText(cause);
  return new SocksConnectionError("LOST", `Stream has failed: ${reason}`, { cause });
}

/** Copies a chunk: the writer of the stream may reuse its memory, and a reader owns what it gets. */
function ownCopy(chunk: unknown): Bytes {
  try {
    return new Uint8Array(bytesOf(chunk));
  } catch (cause) {
    throw new SocksConnectionError("LOST", "Stream gave a chunk that is not bytes", { cause });
  }
}

/** A stream of bytes in each direction. */
export interface DuplexStreams {
  /** Bytes from the peer. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Bytes to the peer. */
  readonly writable: WritableStream<Uint8Array>;
  /** Address of the other end, if it has one. */
  readonly remote?: Endpoint | undefined;
}
