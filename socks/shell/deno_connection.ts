/**
 * Connections over Deno's sockets.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { abortable, pause, startDeadline } from "../../base/deadline.ts";
import { closedError } from "../stream/closed_error.ts";
import type { Endpoint } from "../wire/address.ts";
import { canonicalAddress } from "../wire/ip.ts";
import { Chunk } from "../stream/chunk.ts";
import type { Connection } from "../stream/connection.ts";
import { ReadSize } from "../stream/read_size.ts";

/** A connection over one of Deno's sockets. */
export class DenoConnection implements Connection {
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
  readonly #conn: Deno.Conn;
  readonly #readSize = new ReadSize();
  #readFailure: unknown;
  /** The reset that a write failed with. The system reports a reset once; a read after that returns "end". */
  #reset: unknown;
  #writing: Promise<void> = Promise.resolve();
  #pending = 0;
  #written = 0;
  #writeFailure: unknown;
  #ending: Promise<void> | undefined;
  #closed = false;
  /** Whether the peer's end was read. */
  #hasEnded = false;
  /** Whether the socket is closed once the last bytes of {@linkcode abort} are written. */
  #hasLastBytes = false;

  /** @param conn The socket; this object owns it from now on. */
  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    this.local = endpointOf(conn.localAddr);
    this.remote = endpointOf(conn.remoteAddr);
    this.setNoDelay(true);
    // Keepalive detects dead peers where no timeout of ours applies.
    this.setKeepAlive(true);
  }

  get written(): number {
    return this.#written;
  }

  /** The socket itself serves concurrent calls in order. An idle session waits here twice: an `async` function takes twice the memory. */
  read(into?: Bytes): Promise<Bytes | null> {
    if (this.#readFailure !== undefined) return Promise.reject(this.#readFailure);
    if (this.#hasLastBytes) return Promise.reject(closedError("The connection"));
    // A socket returns "end" for an empty buffer.
    const buffer = into !== undefined && into.length > 0 ? into : new Uint8Array(this.#readSize.next);
    const { length } = buffer;
    return this.#conn.read(buffer).then(
      (count) => count === null ? this.#checkEnd() : this.#came(buffer, length, count),
      // Sending an end behind the peer's has closed the socket, perhaps under this read.
      (error) => this.#hasEnded && !this.#closed ? null : this.#lost(buffer, length, error),
    );
  }

  #came(buffer: Bytes, length: number, count: number): Bytes {
    if (this.#hasLastBytes) return this.#lost(buffer, length, undefined);
    this.#readSize.learn(count);
    // The bytes are in memory that now belongs to someone else.
    if (buffer.length < count) throw memoryGone();
    return buffer.subarray(0, count);
  }

  #lost(buffer: Bytes, length: number, error: unknown): never {
    if (buffer.length < length) throw memoryGone();
    throw this.#readFailure ??= this.#closed ? closedError("The connection") : error;
  }

  /**
   * An earlier read or write may already have consumed the system's error.
   *
   * @throws {unknown} The error that ended the connection, if the peer did not end it.
   */
  async #checkEnd(): Promise<null> {
    if (this.#hasLastBytes) throw this.#readFailure ??= closedError("The connection");
    // A pending write may fail in the same turn of the event loop, after this read.
    if (this.#pending > 0 && !this.#closed) await pause(0);
    const failure = this.#readFailure ?? this.#reset;
    if (failure !== undefined) throw this.#readFailure ??= this.#closed ? closedError("The connection") : failure;
    this.#hasEnded = true;
    return null;
  }

  /** Concurrent calls are written one after the other. */
  write(bytes: Uint8Array): Promise<void> {
    let chunk: Chunk;
    try {
      chunk = new Chunk(bytes, this.#pending > 0);
      this.#checkWritable();
    } catch (error) {
      return Promise.reject(error);
    }
    const write = () => this.#writeAll(chunk);
    const isAlone = this.#pending === 0;
    this.#pending++;
    this.#writing = isAlone ? write() : this.#writing.then(write, write);
    this.#writing.catch(() => {}); // The caller may look at it later.
    return this.#writing;
  }

  /** @throws {unknown} Writing is over. */
  #checkWritable(): void {
    if (this.#closed) throw closedError("The connection");
    if (this.#ending !== undefined) throw closedError("Writing");
  }

  /** Writes until the socket has taken all bytes; one call takes as many as it has room for. */
  async #writeAll(chunk: Chunk): Promise<void> {
    let at = 0;
    try {
      if (this.#writeFailure !== undefined) throw this.#writeFailure;
      while (at < chunk.length) {
        if (this.#hasLastBytes) throw closedError("The connection");
        const count = await this.#conn.write(chunk.from(at));
        at += count;
        this.#written += count;
      }
    } catch (error) {
      this.#noteReset(error);
      // The system's error about memory that was transferred does not say so.
      const failure = chunk.isShrunk ? chunk.shrunkError(at) : error;
      throw this.#writeFailure ??= this.#closed ? closedError("The connection") : failure;
    } finally {
      this.#pending--;
    }
  }

  #noteReset(error: unknown): void {
    if ((error as { code?: unknown }).code === "ECONNRESET") this.#reset ??= error;
  }

  /** Writes no bytes; the system reports a reset that it knows of. A pending write reports it itself. */
  async probe(): Promise<void> {
    if (this.#closed || this.#ending !== undefined || this.#pending > 0) return;
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    try {
      await this.#conn.write(NOTHING);
    } catch (error) {
      if (this.#closed) return;
      this.#noteReset(error);
      throw this.#writeFailure ??= error;
    }
  }

  closeWrite(): Promise<void> {
    if (this.#closed) return Promise.reject(closedError("The connection"));
    return this.#ending ??= this.#writing.catch(() => {}).then(() => this.#endWriting());
  }

  /** Does not send an end after lost bytes: it would make incomplete data look complete. */
  async #endWriting(): Promise<void> {
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    try {
      // Where nothing is left to read, closing sends the end too, and saves a call of the system.
      if (this.#hasEnded) this.#conn[Symbol.dispose]();
      else await this.#conn.closeWrite();
    } catch (error) {
      throw this.#writeFailure ??= this.#closed ? closedError("The connection") : error;
    }
  }

  close(): void {
    this.#closed = true;
    if (!this.#hasLastBytes) this.#conn[Symbol.dispose]();
  }

  /** Deno's sockets cannot be reset. The unfinished bytes are written after the pending ones, as soon as there is room. */
  abort(unfinished?: Uint8Array): void {
    if (unfinished === undefined || this.#closed) return this.close();
    this.#closed = this.#hasLastBytes = true;
    void this.#writeLast(unfinished);
  }

  async #writeLast(unfinished: Uint8Array): Promise<void> {
    using deadline = startDeadline({ milliseconds: LAST_BYTES, reason: () => new Error("The socket has no room") });
    await abortable(this.#conn.write(unfinished), deadline.signal).catch(() => {});
    this.#conn[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Makes pending calls keep the process alive. This is the default. */
  ref(): void {
    (this.#conn as Deno.TcpConn).ref();
  }

  /** Lets the process end while calls are pending. */
  unref(): void {
    (this.#conn as Deno.TcpConn).unref();
  }

  /** Sets TCP_NODELAY; it has no effect on other sockets than TCP's, and on a closed one. */
  setNoDelay(noDelay: boolean): void {
    this.#setOption((socket) => socket.setNoDelay(noDelay));
  }

  /** Sets SO_KEEPALIVE; it has no effect on other sockets than TCP's, and on a closed one. */
  setKeepAlive(keepAlive: boolean): void {
    this.#setOption((socket) => socket.setKeepAlive(keepAlive));
  }

  #setOption(set: (socket: Deno.TcpConn) => void): void {
    if (!("setNoDelay" in this.#conn)) return;
    try {
      set(this.#conn as Deno.TcpConn);
    } catch {
      // Some systems refuse this if the peer has already closed; the first read reports that.
    }
  }
}

const NOTHING = new Uint8Array(0);

/** Longest wait for room for the last bytes of a cut connection, in milliseconds. */
const LAST_BYTES = 1_000;

function memoryGone(): TypeError {
  return new TypeError("Cannot read: the memory to read into was transferred or shrunk");
}

/** One end of a connection. A socket for both families reports an IPv4 address as an IPv4-mapped one. */
function endpointOf(address: Deno.Addr): Endpoint | undefined {
  if (address.transport !== "tcp") return undefined;
  return { hostname: canonicalAddress(address.hostname), port: address.port };
}
