/**
 * Connections over WebSockets, for hosts that have no other way in: the server behind `Deno.serve`, the client over
 * `wss:`. Both ends are ours, and speak as follows:
 *
 * - binary messages carry the bytes, {@linkcode LARGEST} at most each; an empty one says that no more will come from this side
 *   (half-close);
 * - a text message `+N` says that N more bytes have been consumed. A side has at most {@linkcode WINDOW} bytes under
 *   way, so that neither end holds more than that for a slow reader;
 * - a text message `end` says that everything until the other side's end has been read. Whoever has ended, and been told so,
 *   may close: nothing that is on its way is lost by it.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { asBytes, type Bytes, EMPTY } from "../../base/bytes.ts";
import { abortable, pause } from "../../base/deadline.ts";
import { SocksConnectionError, SocksProtocolError, SocksReplyError } from "../errors.ts";
import type { Endpoint } from "../wire/address.ts";
import { Chunk } from "./chunk.ts";
import { closedError } from "./closed_error.ts";
import type { Connection, Dialer } from "./connection.ts";
import { SerialQueue } from "./serial_queue.ts";
import { PieceQueue } from "./piece_queue.ts";

/** Bytes that may be under way in each direction. */
const WINDOW = 1 << 20;
/** Bytes of a message at most. */
const LARGEST = 1 << 16;
/** Bytes consumed of which a peer is told that can send nothing more; where it can, it is told of more at a time. */
const STARVING = 1 << 14;

/** Time that the peer has to read the last bytes after both sides have ended, in milliseconds. */
const LINGER = 5_000;

/** Name that both ends agree upon in the handshake of HTTP (RFC 6455 section 1.9). */
export const WEB_SOCKET_PROTOCOL = "gssocks.v1";

/**
 * A connection over a WebSocket, which is its own from then on and must be binary: `binaryType` is set here.
 *
 * Closing it ends everything that waits on it at once, whatever the peer does. A WebSocket has no way to hang up on a peer that
 * answers nothing, though: the socket underneath stays until the peer's end of it, or the network, is gone.
 *
 * A peer that sends a message of more than 64 KiB, or more bytes than it may, is refused at its first one. A WebSocket gives whole messages
 * alone, so Deno has taken that one in before: it has a limit of its own, 64 MiB, which is what each client can make a server hold for
 * a moment. Small messages are joined where they wait, and cost no more than their bytes.
 *
 * @param remote Address of the other end, where it is known.
 *
 * @example A proxy behind `Deno.serve`, for programs and for the pages of one site
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { connectionFromWebSocket, isOriginAllowed, WEB_SOCKET_PROTOCOL } from "@gssocks/gssocks/socks";
 *
 * export function main(): Deno.HttpServer {
 *   const proxy = serve({ listeners: [], keytab: "/etc/krb5.keytab", rules: ["allow *"] });
 *   return Deno.serve((request) => {
 *     if (request.headers.get("upgrade") !== "websocket") return new Response(null, { status: 426 });
 *     // Any page in a browser inside of the network could speak to the proxy otherwise.
 *     if (!isOriginAllowed(request, ["https://intranet.example.com"])) return new Response(null, { status: 403 });
 *     const { socket, response } = Deno.upgradeWebSocket(request, { protocol: WEB_SOCKET_PROTOCOL });
 *     void proxy.serveConnection(connectionFromWebSocket(socket));
 *     return response;
 *   });
 * }
 * ```
 */
export function connectionFromWebSocket(socket: WebSocket, remote?: Endpoint): Connection {
  return new WebSocketConnection(socket, remote);
}

/**
 * Whether a request for a WebSocket is made from where it may be. A browser says which page made it (RFC 6455 section 10.2), and lets any
 * page make one; a program says nothing, and is allowed.
 *
 * @param allowed Origins of pages that may: scheme, host and port as browsers write them, such as `https://intranet.example.com`.
 * @throws {TypeError} When one of these is no origin.
 */
export function isOriginAllowed(request: Request, allowed: readonly string[] = []): boolean {
  for (const origin of allowed) {
    if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\sA-Z]+$/.test(origin)) continue;
    throw new TypeError(
      `${JSON.stringify(origin)} is no origin: a scheme, a host and perhaps a port, in small letters`,
    );
  }
  const origin = request.headers.get("origin");
  return origin === null || allowed.includes(origin);
}

class WebSocketConnection implements Connection {
  readonly remote: Endpoint | undefined;
  readonly #socket: WebSocket;
  readonly #opened = Promise.withResolvers<void>();
  readonly #incoming = new PieceQueue();
  #arrived = Promise.withResolvers<void>();
  /** Bytes received and not consumed yet. */
  #held = 0;
  /** Bytes consumed of which the peer does not know yet. */
  #consumed = 0;
  /** Bytes that may still be sent; all that were given to the socket; all that the peer has consumed. */
  #credit = WINDOW;
  #given = 0;
  #taken = 0;
  #moreCredit = Promise.withResolvers<void>();
  readonly #reading = new SerialQueue();
  readonly #writing = new SerialQueue();
  #writeFailure: unknown;
  #ending: Promise<void> | undefined;
  #peerEnded = false;
  /** Whether this side has said that it has ended, and that it has read everything. */
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
    this.#opened.promise.catch(() => {}); // Told by whatever is done next.
    if (socket.readyState === WebSocket.OPEN) this.#opened.resolve();
    else socket.onopen = () => this.#opened.resolve();
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onerror = () => this.#end(new SocksConnectionError("LOST", "WebSocket failed"));
    socket.onclose = () => this.#end(new SocksConnectionError("LOST", "WebSocket was closed without an end"));
  }

  /** Resolved when bytes can be sent. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** What is on its way, and once more what has been read there. */
  get written(): number {
    return this.#given - (this.#socket.bufferedAmount ?? 0) + this.#taken;
  }

  #take(data: unknown): void {
    // What a peer sends that does not know yet is nobody's any more, and fills no memory.
    if (this.#failure !== undefined) return;
    if (data === "end") return this.#peerDone.abort();
    if (typeof data === "string") return this.#takeCredit(data);
    if (!(data instanceof ArrayBuffer)) {
      return this.#end(new SocksProtocolError("BAD_MESSAGE", "WebSocket gave a message that is no bytes"));
    }
    const bytes = asBytes(new Uint8Array(data));
    this.#held += bytes.length;
    if (this.#peerEnded || bytes.length > LARGEST || this.#held > WINDOW) {
      return this.#end(new SocksProtocolError("TOO_LARGE", "Peer sends more than it may over the WebSocket"));
    }
    if (bytes.length === 0) this.#peerEnded = true;
    else this.#incoming.push(bytes);
    this.#wake();
  }

  #takeCredit(text: string): void {
    const count = /^\+(\d{1,7})$/.exec(text)?.[1];
    if (count === undefined || this.#credit + Number(count) > WINDOW) {
      return this.#end(new SocksProtocolError("BAD_MESSAGE", "Peer sent a text that is no count of bytes"));
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
    // A peer that waits for it is told early: to it, that is what shows that somebody reads.
    const waits = this.#held + this.#consumed > WINDOW - LARGEST;
    if (this.#peerEnded || this.#consumed < (waits ? STARVING : WINDOW / 4)) return;
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(`+${this.#consumed}`);
    this.#consumed = 0;
  }

  /** Calls that overlap are sent one after another. */
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
        // A copy: when a message leaves is the socket's business, and the caller's memory is used again.
        this.#socket.send(part.slice());
        at += count;
      }
    } catch (error) {
      throw this.#writeFailure ??= this.#closed ? closedError("The connection") : error;
    }
  }

  /** @throws {unknown} When nothing can be sent any more. */
  #mayGoOn(): void {
    if (this.#closed) throw closedError("The connection");
    const failure = this.#failure ?? this.#writeFailure;
    if (failure !== undefined) throw failure;
  }

  async closeWrite(): Promise<void> {
    this.#mayGoOn();
    await (this.#ending ??= this.#writing.run(() => this.#sendEnd()));
  }

  /** An end behind bytes that are missing would make the rest look like the whole. */
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

/**
 * Connects to a proxy over a WebSocket, `wss:` or `ws:`, whatever the target given is. The proxy's host name for Kerberos
 * is still that of the proxy given.
 *
 * @example
 * ```ts
 * import { connect } from "@gssocks/gssocks";
 * import { dialWebSocket } from "@gssocks/gssocks/socks";
 *
 * export async function reach(): Promise<void> {
 *   const dial = dialWebSocket("wss://proxy.example.com/socks");
 *   await using connection = await connect({ proxy: "proxy.example.com", dial, hostname: "intranet", port: 80 });
 *   await connection.write(new TextEncoder().encode("hello"));
 * }
 * ```
 */
export function dialWebSocket(url: string | URL): Dialer {
  return async (_target, { signal }) => {
    const connection = new WebSocketConnection(new WebSocket(url, WEB_SOCKET_PROTOCOL), undefined);
    try {
      await abortable(connection.opened, signal);
      return connection;
    } catch (error) {
      connection.close();
      signal?.throwIfAborted();
      const reason = reasonText(error);
      throw new SocksReplyError("GENERAL_FAILURE", `Cannot connect to ${url}: ${reason}`, { cause: error });
    }
  };
}
