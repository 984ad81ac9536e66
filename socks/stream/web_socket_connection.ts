/**
 * Connections over WebSockets, for hosts that can be reached over HTTP only: the server behind `Deno.serve`, the client over
 * `wss:`. Both ends are this package, with this protocol:
 *
 * - Binary messages carry bytes, at most {@linkcode LARGEST} each. An empty one is the sender's end (half-close).
 * - A text message `+N` returns credit for N bytes that were read. A side has at most {@linkcode WINDOW} bytes in flight, so that
 *   the other end never holds more for a slow reader.
 * - A text message `end` confirms that everything up to the other side's end was read. A side that has ended and got this
 *   confirmation may close: no bytes are lost.
 *
 * @module
 */
import { asBytes, type Bytes, EMPTY } from "../../base/bytes.ts";
import { pause } from "../../base/deadline.ts";
import { SocksConnectionError, SocksProtocolError } from "../errors.ts";
import type { Endpoint } from "../wire/address.ts";
import { Chunk } from "./chunk.ts";
import { closedError } from "./closed_error.ts";
import type { Connection } from "./connection.ts";
import { SerialQueue } from "./serial_queue.ts";
import { PieceQueue } from "./piece_queue.ts";

/** Most bytes in flight in each direction. */
const WINDOW = 1 << 20;
/** Longest message, in bytes. */
const LARGEST = 1 << 16;
/** Credit that is returned at once to a peer without credit; other peers get it in larger amounts. */
const STARVING = 1 << 14;

/** Time for the peer to read the last bytes after both sides have ended, in milliseconds. */
const LINGER = 5_000;

/** A connection over a WebSocket, which it owns. */
export class WebSocketConnection implements Connection {
  readonly remote: Endpoint | undefined;
  readonly #socket: WebSocket;
  readonly #opened = Promise.withResolvers<void>();
  readonly #incoming = new PieceQueue();
  #arrived = Promise.withResolvers<void>();
  /** Bytes received and not read yet. */
  #held = 0;
  /** Bytes read for which no credit was returned yet. */
  #consumed = 0;
  /** Bytes that may still be sent; all bytes given to the socket; all bytes that the peer has read. */
  #credit = WINDOW;
  #given = 0;
  #taken = 0;
  #moreCredit = Promise.withResolvers<void>();
  readonly #reading = new SerialQueue();
  readonly #writing = new SerialQueue();
  #writeFailure: unknown;
  #ending: Promise<void> | undefined;
  #peerEnded = false;
  /** Whether this side has sent its end, and its confirmation of the peer's end. */
  #ended = false;
  #toldEnd = false;
  /** Aborted when the peer has read everything. */
  readonly #peerDone = new AbortController();
  #failure: Error | undefined;
  #closed = false;

  constructor(socket: WebSocket, remote: Endpoint | undefined) {
    this.#socket = socket;
    this.remote = remote;
    socket.binaryType = "arraybuffer";
    this.#opened.promise.catch(() => {}); // Reported by the next call.
    if (socket.readyState === WebSocket.OPEN) this.#opened.resolve();
    else socket.onopen = () => this.#opened.resolve();
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onerror = () => this.#end(new SocksConnectionError("LOST", "WebSocket failed"));
    socket.onclose = () => this.#end(new SocksConnectionError("LOST", "WebSocket was closed without an end"));
  }

  /** Resolved when the WebSocket is open. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Counts bytes when they leave the socket, and again when the peer has read them: both show that the peer takes bytes. */
  get written(): number {
    return this.#given - (this.#socket.bufferedAmount ?? 0) + this.#taken;
  }

  #take(data: unknown): void {
    // Messages of a peer that has not seen the failure yet are discarded.
    if (this.#failure !== undefined) return;
    if (data === "end") return this.#peerDone.abort();
    if (typeof data === "string") return this.#takeCredit(data);
    if (!(data instanceof ArrayBuffer)) {
      return this.#end(new SocksProtocolError("BAD_MESSAGE", "Peer sent a WebSocket message that is not bytes"));
    }
    const bytes = asBytes(new Uint8Array(data));
    this.#held += bytes.length;
    if (this.#peerEnded || bytes.length > LARGEST || this.#held > WINDOW) {
      return this.#end(
        new SocksProtocolError(
          "TOO_LARGE",
          "Peer sent more than its credit, or a message that is too long, over the WebSocket",
        ),
      );
    }
    if (bytes.length === 0) this.#peerEnded = true;
    else this.#incoming.push(bytes);
    this.#wake();
  }

  #takeCredit(text: string): void {
    const count = /^\+(\d{1,7})$/.exec(text)?.[1];
    if (count === undefined || this.#credit + Number(count) > WINDOW) {
      return this.#end(new SocksProtocolError("BAD_MESSAGE", "Invalid flow-control message from peer"));
    }
    this.#credit += Number(count);
    this.#taken += Number(count);
    this.#moreCredit.resolve();
    this.#moreCredit = Promise.withResolvers<void>();
  }

  read(): Promise<Bytes | null> {
    return this.#reading.run(() => this.#read());
  }

  async #read(): Promise<Bytes | null> {
    for (;;) {
      if (this.#closed) throw closedError("The connection");
      const bytes = this.#incoming.shift();
      if (bytes !== undefined) {
        this.#consume(bytes.length);
        return bytes;
      }
      if (this.#peerEnded) {
        this.#tellEnd();
        return null;
      }
      if (this.#failure !== undefined) throw this.#failure;
      await this.#arrived.promise;
    }
  }

  #tellEnd(): void {
    if (!this.#toldEnd && this.#socket.readyState === WebSocket.OPEN) this.#socket.send("end");
    this.#toldEnd = true;
  }

  #consume(length: number): void {
    this.#held -= length;
    this.#consumed += length;
    // A peer without credit gets it early: that shows it that this side reads.
    const waits = this.#held + this.#consumed > WINDOW - LARGEST;
    if (this.#peerEnded || this.#consumed < (waits ? STARVING : WINDOW / 4)) return;
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(`+${this.#consumed}`);
    this.#consumed = 0;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const chunk = new Chunk(bytes, true);
    this.#mayGoOn();
    if (this.#ending !== undefined) throw closedError("Writing");
    await this.#writing.run(() => this.#send(chunk));
  }

  async #send(chunk: Chunk): Promise<void> {
    try {
      this.#mayGoOn();
      if (this.#socket.readyState !== WebSocket.OPEN) await this.#opened.promise;
      for (let at = 0; at < chunk.length;) {
        this.#mayGoOn();
        const count = Math.min(this.#credit, LARGEST, chunk.length - at);
        if (count === 0) {
          await this.#moreCredit.promise;
          continue;
        }
        const part = chunk.from(at, count);
        this.#credit -= count;
        this.#given += count;
        // A copy: the socket may send the message after the caller has reused its memory.
        this.#socket.send(part.slice());
        at += count;
      }
    } catch (error) {
      throw this.#writeFailure ??= this.#closed ? closedError("The connection") : error;
    }
  }

  #mayGoOn(): void {
    if (this.#closed) throw closedError("The connection");
    const failure = this.#failure ?? this.#writeFailure;
    if (failure !== undefined) throw failure;
  }

  async closeWrite(): Promise<void> {
    this.#mayGoOn();
    await (this.#ending ??= this.#writing.run(() => this.#sendEnd()));
  }

  /** An end behind a failed write would make an incomplete stream look complete. */
  async #sendEnd(): Promise<void> {
    await this.#opened.promise;
    this.#mayGoOn();
    this.#socket.send(EMPTY);
    this.#ended = true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#incoming.shift() !== undefined);
    const graceful = this.#ended && this.#peerEnded && !this.#peerDone.signal.aborted && this.#failure === undefined;
    if (!graceful) return this.#end(closedError("The connection"));
    void pause(LINGER, this.#peerDone.signal).then(() => this.#end(closedError("The connection")));
  }

  #end(failure: Error): void {
    this.#failure ??= failure;
    this.#peerDone.abort();
    this.#opened.reject(failure);
    if (this.#socket.readyState <= WebSocket.OPEN) this.#socket.close();
    this.#moreCredit.resolve();
    this.#wake();
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers<void>();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}
