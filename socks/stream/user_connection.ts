/**
 * The rules of a connection that a user holds, the same for every transport and protection level: the order of reads, bytes that did not
 * fit, what may be written, and the end with its reason. A user may call anything at any time.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { type Bytes, bytesOf, type ByteSource, isDetached } from "../../base/bytes.ts";
import { SocksConnectionError, SocksError } from "../errors.ts";
import { abortQuietly } from "./close_quietly.ts";
import type { Connection } from "./connection.ts";
import { SerialQueue } from "./serial_queue.ts";

/** Implemented by the streams of a connection. */
export interface EndObserver {
  /** Called when writing has failed for good. */
  writingFailed(error: unknown): void;
  /** Called when this side has closed the connection. */
  closed(reason: unknown): void;
  /** Returns bytes that were delivered to the stream and not read there; `undefined` if there are none. */
  takeBack?(): Promise<Bytes> | undefined;
}

/** Closes connections that were garbage-collected. The registered function must not reference the collected object. */
const FORGOTTEN = new FinalizationRegistry<() => void>((close) => close());

/** A connection that a user holds. */
export class UserConnection {
  readonly #connection: Connection;
  readonly #reads = new SerialQueue();
  readonly #observers: EndObserver[] = [];
  /** Removes the listener of the signal. */
  readonly #unlisten: () => void;
  /** Bytes that did not fit into a reader's memory. */
  #rest: Bytes | undefined;
  /** The error that ended reading, the one that ended writing, and the reason of this side's close. */
  #readFailure: { readonly error: unknown } | undefined;
  #writeFailure: { readonly error: unknown } | undefined;
  #closed: { readonly error: unknown } | undefined;
  #peerEnded = false;
  #closingWrite: Promise<void> | undefined;
  #wroteAll = false;

  /**
   * Creates a user's connection.
   *
   * @param connection The connection, which this object owns.
   * @param signal Cuts the connection; pending and later calls fail with its reason.
   */
  constructor(connection: Connection, signal?: AbortSignal) {
    this.#connection = connection;
    // Neither the signal nor the registry may reference this object, or it would never be collected.
    const weak = new WeakRef(this);
    const onAbort = () => weak.deref()?.abort(signal?.reason);
    const unlisten = () => signal?.removeEventListener("abort", onAbort);
    this.#unlisten = unlisten;
    FORGOTTEN.register(this, () => {
      unlisten();
      abortQuietly(connection);
    }, this);
    if (signal?.aborted) this.abort(signal.reason);
    else signal?.addEventListener("abort", onAbort, { once: true });
  }

  /** Adds an observer of the end. */
  observe(observer: EndObserver): void {
    if (this.#writeFailure !== undefined) observer.writingFailed(this.#writeFailure.error);
    if (this.#closed !== undefined) observer.closed(this.#closed.error);
    this.#observers.push(observer);
  }

  /** Returns the next bytes, at least one; `null` after the last. */
  next(): Promise<Bytes | null> {
    return this.#reads.run(() => this.#next());
  }

  /** Passes the next bytes to `deliver`, and finishes that before the next call is served. */
  serve(deliver: (bytes: Bytes | null) => Promise<void>): Promise<void> {
    return this.#reads.run(async () => await deliver(await this.#next()));
  }

  /**
   * Reads into `buffer`. Bytes that do not fit are kept for the next read.
   *
   * @returns The number of bytes read; `null` after the last.
   * @throws {TypeError} When `buffer` is not a `Uint8Array`, or its memory was transferred or shrunk.
   */
  read(buffer: Uint8Array): Promise<number | null> {
    if (!(buffer instanceof Uint8Array)) {
      return Promise.reject(new TypeError("Cannot read: the buffer to read into must be a Uint8Array"));
    }
    if (isDetached(buffer)) return Promise.reject(transferred());
    if (buffer.length === 0) return Promise.resolve(0);
    return this.#reads.run(() => this.#readInto(buffer));
  }

  /** Puts back bytes that {@linkcode serve} delivered in vain. The next read returns them first. */
  putBack(bytes: Bytes): void {
    if (this.#rest === undefined) this.#rest = bytes;
    else {
      const joined = new Uint8Array(bytes.length + this.#rest.length);
      joined.set(bytes);
      joined.set(this.#rest, bytes.length);
      this.#rest = joined;
    }
  }

  async #readInto(buffer: Uint8Array): Promise<number | null> {
    const { length } = buffer;
    if (length === 0) throw transferred();
    const bytes = await this.#next(isFixed(buffer) ? buffer : undefined);
    if (bytes === null) return null;
    if (bytes.buffer === buffer.buffer && bytes.byteOffset === buffer.byteOffset) return bytes.length;
    const count = Math.min(bytes.length, buffer.length);
    if (count < Math.min(bytes.length, length)) {
      this.#rest = bytes;
      throw transferred();
    }
    buffer.set(bytes.subarray(0, count));
    if (count < bytes.length) this.#rest = bytes.subarray(count);
    return count;
  }

  async #next(into?: Bytes): Promise<Bytes | null> {
    for (const observer of this.#observers) {
      const back = observer.takeBack?.();
      if (back !== undefined) this.putBack(await back);
    }
    if (this.#closed !== undefined) throw this.#closed.error;
    const rest = this.#rest;
    if (rest !== undefined) {
      this.#rest = undefined;
      return rest;
    }
    if (this.#readFailure !== undefined) throw this.#readFailure.error;
    if (this.#peerEnded) return null;
    let bytes: Bytes | null;
    try {
      bytes = await this.#connection.read(into);
    } catch (error) {
      // The bytes lie in the transferred memory, and belong to its new owner.
      if (into !== undefined && isDetached(into)) throw transferred();
      throw this.#readingFailed(error);
    }
    this.#throwIfClosed();
    if (bytes !== null) return bytes;
    this.#peerEnded = true;
    this.#closeIfEnded();
    return null;
  }

  /**
   * Sends all of the bytes, after those of earlier calls.
   *
   * @returns The number of bytes sent.
   * @throws {TypeError} When `chunk` is not bytes, or its memory is transferred or shrunk before they are sent.
   */
  async write(chunk: ByteSource): Promise<number> {
    const bytes = bytesOf(chunk);
    this.#throwIfNotWritable();
    const { length } = bytes;
    if (length === 0) return 0;
    try {
      await this.#connection.write(bytes);
    } catch (error) {
      throw this.#writingFailed(error);
    }
    this.#throwIfClosed();
    return length;
  }

  /** Sends an end after the bytes of earlier calls; reading goes on. */
  closeWrite(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed.error);
    return this.#closingWrite ??= this.#closeWrite();
  }

  async #closeWrite(): Promise<void> {
    this.#throwIfNotWritable();
    try {
      await this.#connection.closeWrite();
    } catch (error) {
      throw this.#writingFailed(error);
    }
    this.#throwIfClosed();
    this.#wroteAll = true;
    this.#closeIfEnded();
  }

  /**
   * Ends both directions. May be called again.
   *
   * @param reason Error of pending and later calls.
   */
  close(reason: unknown = new SocksConnectionError("CLOSED", "Connection is closed")): void {
    this.#end(reason, (connection) => connection.close());
  }

  /** Ends both directions as {@linkcode close} does, and shows the peer that the stream was cut; see {@linkcode Connection.abort}. */
  abort(reason: unknown, unfinished?: Uint8Array): void {
    this.#end(reason, (connection) => abortQuietly(connection, unfinished));
  }

  #end(reason: unknown, end: (connection: Connection) => void): void {
    if (this.#closed !== undefined) return;
    this.#closed = { error: reason };
    this.#rest = undefined;
    this.#release(end);
    for (const observer of this.#observers) observer.closed(reason);
  }

  /** Lets the connection keep the process running, as it does from the start. */
  ref(): void {
    this.#connection.ref?.();
  }

  /** Lets the process exit although the connection is open. */
  unref(): void {
    this.#connection.unref?.();
  }

  /** Sets whether small writes are sent at once. */
  setNoDelay(noDelay: boolean): void {
    this.#connection.setNoDelay?.(noDelay);
  }

  /** Sets whether a silent peer is probed. */
  setKeepAlive(keepAlive: boolean): void {
    this.#connection.setKeepAlive?.(keepAlive);
  }

  /** Ends both directions: a connection that cannot be read is lost. */
  #readingFailed(error: unknown): unknown {
    if (this.#closed !== undefined) return this.#closed.error;
    this.#readFailure ??= { error: lost(error) };
    this.#failWriting(this.#readFailure);
    this.#release(abortQuietly);
    return this.#readFailure.error;
  }

  /** Ends writing only: what came, and still comes, can be read. */
  #writingFailed(error: unknown): unknown {
    if (this.#closed !== undefined) return this.#closed.error;
    this.#failWriting({ error: lost(error) });
    this.#closeIfEnded();
    return this.#writeFailure!.error;
  }

  #failWriting(failure: { readonly error: unknown }): void {
    if (this.#writeFailure !== undefined) return;
    this.#writeFailure = failure;
    for (const observer of this.#observers) observer.writingFailed(failure.error);
  }

  /** Closes the connection when both directions have ended. */
  #closeIfEnded(): void {
    if (this.#peerEnded && (this.#wroteAll || this.#writeFailure !== undefined)) this.#release();
  }

  #release(end: (connection: Connection) => void = (connection) => connection.close()): void {
    FORGOTTEN.unregister(this);
    this.#unlisten();
    end(this.#connection);
  }

  #throwIfClosed(): void {
    if (this.#closed !== undefined) throw this.#closed.error;
  }

  #throwIfNotWritable(): void {
    this.#throwIfClosed();
    if (this.#writeFailure !== undefined) throw this.#writeFailure.error;
    if (this.#closingWrite !== undefined) {
      throw new SocksConnectionError("CLOSED", "Cannot write: closeWrite() was called");
    }
  }
}

/** Whether memory keeps its size while it is read into, unless it is transferred. */
function isFixed(buffer: Uint8Array): buffer is Bytes {
  return buffer.buffer instanceof ArrayBuffer && !buffer.buffer.resizable;
}

function transferred(): TypeError {
  return new TypeError("Cannot read: the buffer to read into was transferred, or is smaller than it was");
}

/** Returns an error of a transport as an error of this layer. Errors of the caller stay what they are. */
function lost(cause: unknown): unknown {
  if (cause instanceof SocksError || cause instanceof TypeError) return cause;
  const reason = reasonText(cause);
  return new SocksConnectionError("LOST", `Connection is lost: ${reason}`, { cause });
}
