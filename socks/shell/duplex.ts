/**
 * Connections to and from the duplex streams of Node's modules.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { Bytes } from "../../base/bytes.ts";
import { SocksConnectionError } from "../errors.ts";
import type { Endpoint } from "../wire/address.ts";
import { Chunk } from "../stream/chunk.ts";
import { closedError } from "../stream/closed_error.ts";
import type { Connection } from "../stream/connection.ts";
import { SerialQueue } from "../stream/serial_queue.ts";

/** The ends of a connection, where they have addresses. */
export interface DuplexEnds {
  /** This end. */
  readonly local?: Endpoint | undefined;
  /** The other end. */
  readonly remote?: Endpoint | undefined;
  /** The balancer between. */
  readonly relayedBy?: Endpoint | undefined;
}

/** What a stream may have beside: a say in whether it keeps the process going, and a way to break off. */
interface Referenced {
  /** It does. */
  ref?(): unknown;
  /** It does not. */
  unref?(): unknown;
  /** Resets the connection (RFC 9293 section 3.10.5), as sockets can. */
  resetAndDestroy?(): unknown;
}

/** Bytes given to a stream at a time. */
const PIECE = 65_536;

/** What a stream calls back when it has done something. */
type Settle = (error?: Error | null) => void;

/**
 * A connection over a stream of Node's, which is its own from then on. Nothing is left to the stream's events that come only
 * once it is drained: what it pushes is seen when it does.
 */
export class DuplexConnection implements Connection {
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
  readonly relayedBy: Endpoint | undefined;
  protected readonly stream: Duplex & Referenced;
  readonly #reads = new SerialQueue();
  readonly #writes = new Set<Settle>();
  readonly #pieces = new SerialQueue();
  #ended = false;
  #ending: Promise<void> | undefined;
  #readFailure: Error | undefined;
  #writeFailure: Error | undefined;
  #closed: Error | undefined;
  #cut = false;
  #written = 0;
  #changed = Promise.withResolvers<void>();

  /**
   * Makes one.
   *
   * @param stream The stream.
   * @param ends Its addresses.
   */
  constructor(stream: Duplex, ends: DuplexEnds = {}) {
    this.stream = stream;
    this.local = ends.local;
    this.remote = ends.remote;
    this.relayedBy = ends.relayedBy;
    const push = stream.push;
    stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null && this.#readFailure === undefined) this.#ended = true;
      const more = push.call(stream, chunk, encoding);
      this.changed();
      return more;
    };
    stream.on("error", (error: Error) => this.fail(error));
    stream.on("close", () => this.fail(new SocksConnectionError("LOST", "Connection was closed underneath")));
  }

  /** Whether the stream said that nothing more comes. What came before may still be unread. */
  protected get ended(): boolean {
    return this.#ended;
  }

  /** Why nothing more comes although the stream has not ended; asked once all that came is read. */
  protected missing(): Error | undefined {
    return undefined;
  }

  /** What the stream held was taken from it. */
  protected taken(): void {}

  /** Something came, or nothing more will. */
  protected changed(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Both directions have failed; what came before is still read, and an end that came is one. The first failure stays. */
  protected fail(error: Error): void {
    this.#readFailure ??= error;
    this.failWrites(error);
    this.changed();
  }

  /** Writing has failed: what is under way and all that is to come. The first failure stays. */
  protected failWrites(error: Error): void {
    this.#writeFailure ??= error;
    for (const settle of this.#writes) settle(this.#writeFailure);
  }

  get written(): number | undefined {
    return this.#written;
  }

  /** A stream reads by itself, and says so when its source is gone. */
  probe(): Promise<void> {
    return this.#readFailure === undefined ? Promise.resolve() : Promise.reject(this.#readFailure);
  }

  read(): Promise<Bytes | null> {
    return this.#reads.run(() => this.#next());
  }

  async #next(): Promise<Bytes | null> {
    for (;;) {
      const closed = this.#closed;
      if (closed !== undefined) throw closed;
      const chunk: Uint8Array | null = this.stream.read();
      this.taken();
      if (chunk !== null) {
        if (chunk.length > 0) return owned(chunk);
        continue;
      }
      if (this.#ended && this.stream.readableLength === 0) return null;
      this.#readFailure ??= this.missing();
      if (this.#readFailure !== undefined) throw this.#readFailure;
      await this.#changed.promise;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    const chunk = new Chunk(bytes, true);
    if (this.#closed === undefined && this.#ending !== undefined) throw closedError("Writing");
    // A stream tells of the whole alone, and a reader that takes some is to be seen.
    await this.#pieces.run(() => this.#writeAll(chunk));
    if (!chunk.isShrunk) return;
    this.failWrites(new TypeError("Cannot write: the chunk was transferred or shrunk before all of it was sent"));
    throw this.#writeFailure;
  }

  async #writeAll(chunk: Chunk): Promise<void> {
    for (let at = 0; at < chunk.length && !chunk.isShrunk;) {
      const count = Math.min(PIECE, chunk.length - at);
      await this.#settled((settle) => this.stream.write(chunk.from(at, count), settle));
      at += count;
      this.#written += count;
    }
  }

  closeWrite(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return this.#ending ??= this.endWriting();
  }

  /** Ends writing, once what was written before is. */
  protected endWriting(): Promise<void> {
    return this.#pieces.run(() => this.#settled((settle) => this.stream.end(settle)));
  }

  /** A stream that is destroyed may forget what it was to call back. */
  #settled(call: (settle: Settle) => void): Promise<void> {
    const failure = this.#closed ?? this.#writeFailure;
    if (failure !== undefined) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      const settle: Settle = (error) => {
        this.#writes.delete(settle);
        if (error) {
          this.failWrites(error);
          reject(this.#writeFailure);
        } else resolve();
      };
      this.#writes.add(settle);
      call(settle);
    });
  }

  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = closedError("The connection");
    this.fail(this.#closed);
    this.release();
  }

  /** A socket is reset: its peer takes that for no end. */
  abort(unfinished?: Uint8Array): void {
    if (unfinished !== undefined) this.write(unfinished).catch(() => {});
    this.#cut = true;
    this.close();
  }

  /** Whether it ends so that the peer is to see that it is cut. */
  protected get cut(): boolean {
    return this.#cut;
  }

  /** Lets go of what is underneath. */
  protected release(): void {
    if (this.#cut && this.stream.resetAndDestroy !== undefined) this.stream.resetAndDestroy();
    else this.stream.destroy();
  }

  ref(): void {
    this.stream.ref?.();
  }

  unref(): void {
    this.stream.unref?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

/** What was read, in memory that it shares with nobody. */
function owned(chunk: Uint8Array): Bytes {
  const { buffer, byteLength } = chunk;
  const alone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return alone ? new Uint8Array(buffer) : new Uint8Array(chunk);
}
