/**
 * Connections over the duplex streams of `node:stream`.
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

/** The addresses of a connection, as far as it has them. */
export interface DuplexEnds {
  /** This end. */
  readonly local?: Endpoint | undefined;
  /** The other end. */
  readonly remote?: Endpoint | undefined;
  /** The balancer that the connection came through. */
  readonly relayedBy?: Endpoint | undefined;
}

/** Methods that sockets have and other streams do not. */
interface SocketMethods {
  /** Makes the socket keep the process alive. */
  ref?(): unknown;
  /** Lets the process end while the socket is open. */
  unref?(): unknown;
  /** Sets whether small writes are sent at once, where it is a socket. */
  setNoDelay?(noDelay: boolean): unknown;
  /** Sets whether a silent peer is probed, where it is a socket. */
  setKeepAlive?(keepAlive: boolean): unknown;
  /** Resets the connection (RFC 9293 section 3.10.5). */
  resetAndDestroy?(): unknown;
}

/** Bytes written to a stream at a time. */
const PIECE = 65_536;

/** Callback of a stream's write or end. */
type Settle = (error?: Error | null) => void;

/**
 * A connection over a stream of Node, which it owns from now on. It sees what the stream pushes at once, and does not depend on events that
 * come only after the stream is drained.
 */
export class DuplexConnection implements Connection {
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
  readonly relayedBy: Endpoint | undefined;
  protected readonly stream: Duplex & SocketMethods;
  readonly #readsInOrder = new SerialQueue();
  readonly #pendingWrites = new Set<Settle>();
  readonly #writesInOrder = new SerialQueue();
  #ended = false;
  #ending: Promise<void> | undefined;
  #readFailure: Error | undefined;
  #writeFailure: Error | undefined;
  #closed: Error | undefined;
  #cut = false;
  #written = 0;
  #changed = Promise.withResolvers<void>();

  /**
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
      if (chunk === null && !this.isEnd()) {
        this.fail(new SocksConnectionError("LOST", "Connection was reset by the peer"));
      }
      if (chunk === null && this.#readFailure === undefined) this.#ended = true;
      const more = push.call(stream, chunk, encoding);
      this.changed();
      return more;
    };
    stream.on("error", (error: Error) => this.fail(error));
    stream.on("close", () => this.fail(new SocksConnectionError("LOST", "Connection was closed underneath")));
  }

  /** Whether the stream has reported its end. Earlier bytes may still be unread. */
  protected get ended(): boolean {
    return this.#ended;
  }

  /** Whether an end that the stream reports is one. */
  protected isEnd(): boolean {
    return true;
  }

  /** The error if nothing more comes although the stream has not ended. Called once all bytes are read. */
  protected missing(): Error | undefined {
    return undefined;
  }

  /** Called when bytes were taken from the stream. */
  protected taken(): void {}

  /** Wakes a pending read: bytes came, or nothing more will come. */
  protected changed(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Fails both directions. Bytes and an end that came before are still read. The first failure stays. */
  protected fail(error: Error): void {
    this.#readFailure ??= error;
    this.failWrites(error);
    this.changed();
  }

  /** Fails pending and later writes. The first failure stays. */
  protected failWrites(error: Error): void {
    this.#writeFailure ??= error;
    for (const settle of this.#pendingWrites) settle(this.#writeFailure);
  }

  get written(): number | undefined {
    return this.#written;
  }

  /** A stream reads by itself, so it has already reported a lost peer. */
  probe(): Promise<void> {
    return this.#readFailure === undefined ? Promise.resolve() : Promise.reject(this.#readFailure);
  }

  read(): Promise<Bytes | null> {
    return this.#readsInOrder.run(() => this.#next());
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
    // A stream reports a write only as a whole. Small parts show whether the peer takes bytes.
    await this.#writesInOrder.run(() => this.#writeAll(chunk));
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

  /** Ends writing after earlier writes. */
  protected endWriting(): Promise<void> {
    return this.#writesInOrder.run(() => this.#settled((settle) => this.stream.end(settle)));
  }

  /** Waits for a callback of the stream. A destroyed stream may never call back, so a failure settles it too. */
  #settled(call: (settle: Settle) => void): Promise<void> {
    const failure = this.#closed ?? this.#writeFailure;
    if (failure !== undefined) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      const settle: Settle = (error) => {
        this.#pendingWrites.delete(settle);
        if (error) {
          this.failWrites(error);
          reject(this.#writeFailure);
        } else resolve();
      };
      this.#pendingWrites.add(settle);
      call(settle);
    });
  }

  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = closedError("The connection");
    this.fail(this.#closed);
    this.release();
  }

  /** Resets a socket, so the peer does not take it for a regular end. */
  abort(unfinished?: Uint8Array): void {
    if (unfinished !== undefined) this.write(unfinished).catch(() => {});
    this.#cut = true;
    this.close();
  }

  /** Whether the peer is to see that the connection was cut. */
  protected get cut(): boolean {
    return this.#cut;
  }

  /** Closes what is underneath. */
  protected release(): void {
    // Node 22 and 24 never close a socket that is reset while its end is sent, or after that.
    const isEnding = this.stream.writableEnded && this.stream.writableLength === 0;
    try {
      if (this.#cut && this.stream.resetAndDestroy !== undefined && !isEnding) {
        return void this.stream.resetAndDestroy();
      }
    } catch {
      // Node resets sockets of TCP only: for one in the file system it throws, and leaves it open.
    }
    this.stream.destroy();
  }

  ref(): void {
    this.stream.ref?.();
  }

  unref(): void {
    this.stream.unref?.();
  }

  setNoDelay(noDelay: boolean): void {
    this.stream.setNoDelay?.(noDelay);
  }

  setKeepAlive(keepAlive: boolean): void {
    this.stream.setKeepAlive?.(keepAlive);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

/** The bytes in memory that nothing else uses. */
function owned(chunk: Uint8Array): Bytes {
  const { buffer, byteLength } = chunk;
  const alone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return alone ? new Uint8Array(buffer) : new Uint8Array(chunk);
}
