/**
 * A connection in the hands of a user, who may do anything with it at any time: the one place where the order of reads, the rest of a
 * short one, what may be written, the end and its reason are looked after, alike for every transport and level.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { type Bytes, bytesOf, type ByteSource, isDetached } from "../../base/bytes.ts";
import { SocksConnectionError, SocksError } from "../errors.ts";
import { abortQuietly } from "./close_quietly.ts";
import type { Connection } from "./connection.ts";
import { SerialQueue } from "./serial_queue.ts";

/** The streams that were made of a connection: told of its end, and asked for what they need not. */
export interface EndObserver {
  /** Writing has failed for good. */
  writingFailed(error: unknown): void;
  /** This side has closed it. */
  closed(reason: unknown): void;
  /** Bytes that were delivered to it, and that nobody has or waits for there. */
  takeBack?(): Promise<Bytes> | undefined;
}

/** Connections that nobody holds any more are closed. What is held here knows nothing of the object that is gone. */
const FORGOTTEN = new FinalizationRegistry<() => void>((close) => close());

/** A connection in the hands of a user. */
export class UserConnection {
  readonly #connection: Connection;
  readonly #reads = new SerialQueue();
  readonly #observers: EndObserver[] = [];
  /** Takes the listener off the signal. */
  readonly #unlisten: () => void;
  /** What came and found no room in the memory of its reader. */
  #rest: Bytes | undefined;
  /** Why reading is over, other than by the peer's end; why writing is; and why this side closed. */
  #readFailure: { readonly error: unknown } | undefined;
  #writeFailure: { readonly error: unknown } | undefined;
  #closed: { readonly error: unknown } | undefined;
  #peerEnded = false;
  #closingWrite: Promise<void> | undefined;
  #wroteAll = false;

  /**
   * Makes one.
   *
   * @param connection The connection, which is this object's from then on.
   * @param signal Cuts it; calls under way and later ones fail with its reason.
   */
  constructor(connection: Connection, signal?: AbortSignal) {
    this.#connection = connection;
    // Neither the signal nor the registry may keep this object, or it would never be forgotten.
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

  /** Has somebody told of the end, however it comes. */
  observe(observer: EndObserver): void {
    if (this.#writeFailure !== undefined) observer.writingFailed(this.#writeFailure.error);
    if (this.#closed !== undefined) observer.closed(this.#closed.error);
    this.#observers.push(observer);
  }

  /** The next bytes, never none; `null` after the last. */
  next(): Promise<Bytes | null> {
    return this.#reads.run(() => this.#next());
  }

  /** Hands the next bytes over as {@linkcode next} gives them, before the turn of the call after this one comes. */
  serve(deliver: (bytes: Bytes | null) => Promise<void>): Promise<void> {
    return this.#reads.run(async () => await deliver(await this.#next()));
  }

  /**
   * Reads into `buffer`; what it has no room for is the next read's.
   *
   * @returns How many bytes there are now, or `null` after the last.
   * @throws {TypeError} When it is no `Uint8Array`, or its memory was transferred or shrunk.
   */
  read(buffer: Uint8Array): Promise<number | null> {
    if (!(buffer instanceof Uint8Array)) {
      return Promise.reject(new TypeError("Cannot read: a Uint8Array is wanted to read into"));
    }
    if (isDetached(buffer)) return Promise.reject(transferred());
    if (buffer.length === 0) return Promise.resolve(0);
    return this.#reads.run(() => this.#readInto(buffer));
  }

  /** Gives bytes back that came with {@linkcode serve} and found nobody. They come first the next time. */
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
      // The bytes lie in the memory that was transferred, and belong to whoever has that.
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
   * @returns How many that were.
   * @throws {TypeError} When it is nothing that has bytes, or these are no longer all there before they are sent.
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

  /** Says that nothing more will be sent, after what earlier calls send; reading goes on. */
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
   * @param reason What calls under way and later ones fail with.
   */
  close(reason: unknown = new SocksConnectionError("CLOSED", "Connection is closed")): void {
    this.#end(reason, (connection) => connection.close());
  }

  /** Ends both directions as {@linkcode close} does, and so that the peer does not take it for an end, where there is a way to tell it. */
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

  /** Has it keep the process going, as it does from the start. */
  ref(): void {
    this.#connection.ref?.();
  }

  /** Lets the process end although it is open. */
  unref(): void {
    this.#connection.unref?.();
  }

  /** A failure to read leaves nothing to write for: there is no connection any more. */
  #readingFailed(error: unknown): unknown {
    if (this.#closed !== undefined) return this.#closed.error;
    this.#readFailure ??= { error: lost(error) };
    this.#failWriting(this.#readFailure);
    this.#release(abortQuietly);
    return this.#readFailure.error;
  }

  /** What came is still there to be read after a failure to write, and so is what still comes. */
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

  /** When both directions have ended there is nothing that it could be wanted for. */
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
      throw new SocksConnectionError("CLOSED", "Cannot write: this side has said that nothing more comes (closeWrite)");
    }
  }
}

/** Memory that stays what it is while it is read into, unless it is transferred. */
function isFixed(buffer: Uint8Array): buffer is Bytes {
  return buffer.buffer instanceof ArrayBuffer && !buffer.buffer.resizable;
}

function transferred(): TypeError {
  return new TypeError("Cannot read: the buffer to read into was transferred, or is smaller than it was");
}

/** Whatever a transport says, as an error of this layer. What the caller did wrong stays what it is. */
function lost(cause: unknown): unknown {
  if (cause instanceof SocksError || cause instanceof TypeError) return cause;
  const reason = reasonText(cause);
  return new SocksConnectionError("LOST", `Connection is lost: ${reason}`, { cause });
}
