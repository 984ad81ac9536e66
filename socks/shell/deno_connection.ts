/**
 * Connections over Deno's sockets. Deno's errors become ours here.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { abortable, pause, startDeadline } from "../../base/deadline.ts";
import { closedHere } from "../stream/closed.ts";
import type { Endpoint } from "../wire/address.ts";
import { canonicalAddress } from "../wire/ip.ts";
import { Chunk } from "../stream/chunk.ts";
import type { Connection } from "../stream/connection.ts";
import { ReadSize } from "../stream/read_size.ts";

/** A connection over a socket. */
export class DenoConnection implements Connection {
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
  readonly #conn: Deno.Conn;
  readonly #readSize = new ReadSize();
  #readFailure: unknown;
  /** What a write was told of a reset. The system tells it once, and says "end" to whoever reads after that. */
  #reset: unknown;
  #writing: Promise<void> = Promise.resolve();
  #pending = 0;
  #written = 0;
  #writeFailure: unknown;
  #ending: Promise<void> | undefined;
  #closed = false;
  /** Whether it is closed, and the socket is so when it has taken what is to be said last. */
  #hasLastWord = false;

  /**
   * Makes one.
   *
   * @param conn The socket, which is this object's from then on.
   */
  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    this.local = endpointOf(conn.localAddr);
    this.remote = endpointOf(conn.remoteAddr);
    if (!("setNoDelay" in conn)) return;
    const socket = conn as Deno.TcpConn;
    try {
      socket.setNoDelay(true);
      // A peer that is gone without a word is noticed, in the system's time, where there is no time-out of ours.
      socket.setKeepAlive(true);
    } catch {
      // Some systems refuse this on a socket that is gone already, of which the first read tells.
    }
  }

  get written(): number {
    return this.#written;
  }

  /** Calls at one time are served in order, by the socket itself. */
  async read(into?: Bytes): Promise<Bytes | null> {
    if (this.#readFailure !== undefined) throw this.#readFailure;
    if (this.#hasLastWord) throw closedHere("The connection");
    // A socket says "end" to whoever has no room.
    const buffer = into !== undefined && into.length > 0 ? into : new Uint8Array(this.#readSize.next);
    const { length } = buffer;
    let count: number | null;
    try {
      count = await this.#conn.read(buffer);
      if (this.#hasLastWord) throw closedHere("The connection");
      // The failure of a read before this one, or of a write, has used up what the system has to say.
      if (count === null) return await this.#trueEnd();
    } catch (error) {
      if (buffer.length < length) throw memoryGone();
      throw this.#readFailure ??= this.#closed ? closedHere("The connection") : error;
    }
    this.#readSize.learn(count);
    // Whoever has the memory now has the bytes.
    if (buffer.length < count) throw memoryGone();
    return buffer.subarray(0, count);
  }

  /** @throws {unknown} What made the end of it, where the peer did not end it. */
  async #trueEnd(): Promise<null> {
    // What a write under way was told comes in the same turn, and may come behind this.
    if (this.#pending > 0 && !this.#closed) await pause(0);
    const failure = this.#readFailure ?? this.#reset;
    if (failure !== undefined) throw failure;
    return null;
  }

  /** Calls that overlap are written one after another. */
  write(bytes: Uint8Array): Promise<void> {
    let chunk: Chunk;
    try {
      chunk = new Chunk(bytes, this.#pending > 0);
      this.#mayWrite();
    } catch (error) {
      return Promise.reject(error);
    }
    const done = this.#pending === 0 ? this.#writeAll(chunk) : this.#writing.then(() => this.#writeAll(chunk));
    this.#pending++;
    this.#writing = done.catch(() => {}).then(() => {
      this.#pending--;
    });
    return done;
  }

  /** @throws {unknown} When nothing can be sent any more. */
  #mayWrite(): void {
    if (this.#closed) throw closedHere("The connection");
    if (this.#ending !== undefined) throw closedHere("Writing");
  }

  /** A socket takes as much as it has room for, so this goes on until all is taken. */
  async #writeAll(chunk: Chunk): Promise<void> {
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    let at = 0;
    try {
      while (at < chunk.length) {
        if (this.#hasLastWord) throw closedHere("The connection");
        const count = await this.#conn.write(chunk.from(at));
        at += count;
        this.#written += count;
      }
    } catch (error) {
      this.#noteReset(error);
      // The system cannot read memory that a buffer has given up, and says so in its own way.
      const failure = chunk.isCut ? chunk.cut(at) : error;
      throw this.#writeFailure ??= this.#closed ? closedHere("The connection") : failure;
    }
  }

  #noteReset(error: unknown): void {
    if ((error as { code?: unknown }).code === "ECONNRESET") this.#reset ??= error;
  }

  /** No bytes are written, of which a system that knows of a reset says so. A write under way is told by itself. */
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
    if (this.#closed) return Promise.reject(closedHere("The connection"));
    return this.#ending ??= this.#writing.then(() => this.#endWriting());
  }

  /** An end behind bytes that are missing would make the rest look like the whole. */
  async #endWriting(): Promise<void> {
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      throw this.#writeFailure ??= this.#closed ? closedHere("The connection") : error;
    }
  }

  close(): void {
    this.#closed = true;
    if (!this.#hasLastWord) this.#conn[Symbol.dispose]();
  }

  /** Sockets of Deno's are not reset. What is unfinished goes behind what the system is writing, as soon as there is room for it. */
  abort(unfinished?: Uint8Array): void {
    if (unfinished === undefined || this.#closed) return this.close();
    this.#closed = this.#hasLastWord = true;
    void this.#sayLast(unfinished);
  }

  async #sayLast(unfinished: Uint8Array): Promise<void> {
    using deadline = startDeadline({ milliseconds: LAST_WORD, reason: () => new Error("There was no room for it") });
    await abortable(this.#conn.write(unfinished), deadline.signal).catch(() => {});
    this.#conn[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Keeps the process going while something waits on it, which is so from the beginning. */
  ref(): void {
    (this.#conn as Deno.TcpConn).ref();
  }

  /** Lets the process end although something waits on it. */
  unref(): void {
    (this.#conn as Deno.TcpConn).unref();
  }
}

const NOTHING = new Uint8Array(0);

/** Longest wait of what is cut for room to say so, in milliseconds. */
const LAST_WORD = 1_000;

function memoryGone(): TypeError {
  return new TypeError("Cannot read: the memory to read into was transferred or shrunk");
}

/** An end of a connection, in the form that hosts have everywhere: a socket for both families calls an IPv4 address a mapped one. */
function endpointOf(address: Deno.Addr): Endpoint | undefined {
  if (address.transport !== "tcp") return undefined;
  return { hostname: canonicalAddress(address.hostname), port: address.port };
}
