/**
 * The connection that users of the client have. It looks like `Deno.Conn`.
 *
 * @module
 */
import type { Bytes, ByteSource } from "../../base/bytes.ts";
import type { Identity } from "../identity.ts";
import type { ProxiedConnection } from "./request.ts";
import type { ProtectionLevel } from "../protection.ts";
import { UserConnection } from "../stream/user_connection.ts";
import { streamsOf } from "../stream/web_streams.ts";
import type { Endpoint } from "../wire/address.ts";

/** One end of a connection, in the form of `Deno.NetAddr`. */
export interface ConnectionAddress extends Endpoint {
  /** The transport. */
  readonly transport: "tcp";
}

/** What a {@linkcode SocksConnection} is created from. */
export interface MadeConnection extends ProxiedConnection {
  /** Protocol that both sides agreed on inside TLS (RFC 7301). */
  readonly alpnProtocol?: string | undefined;
  /** Whether it is inside TLS with the target. @default {false} */
  readonly tls?: boolean | undefined;
}

/**
 * A connection through a proxy. It can be used like a `Deno.Conn`, and behaves the same at every protection level, over every transport and
 * inside TLS:
 *
 * - Concurrent calls are served in order, of {@linkcode read} as well as of {@linkcode readable}. Each byte is delivered once, and bytes that a
 *   short read leaves go to the next read.
 * - A failure is permanent. Pending and later calls of that direction fail with the same error, and no failure looks like the peer's end. The
 *   error is a {@linkcode SocksConnectionError}, `CLOSED` if this side closed the connection and `LOST` if the transport failed; a
 *   {@linkcode SocksTlsError} `TLS_CUT` if TLS ended without a close_notify; a {@linkcode SocksProtocolError} if the protection was broken; or
 *   the reason of the signal that the connection was opened with.
 * - The peer's end does not end writing, and {@linkcode closeWrite} does not end reading. When both directions have ended, the connection is
 *   closed. An unreachable connection is closed by garbage collection.
 *
 * @example Reads a header by hand and pipes the rest
 * ```ts
 * import type { SocksConnection } from "@gssocks/gssocks";
 *
 * export async function download(connection: SocksConnection, file: WritableStream<Uint8Array>): Promise<void> {
 *   const head = new Uint8Array(4);
 *   for (let at = 0; at < head.length;) {
 *     const count = await connection.read(head.subarray(at));
 *     if (count === null) throw new Error("too short");
 *     at += count;
 *   }
 *   await connection.readable.pipeThrough(new DecompressionStream("gzip")).pipeTo(file);
 * }
 * ```
 */
export class SocksConnection implements AsyncDisposable, Disposable {
  /** The target. A name is in A-labels, an address without brackets. After BIND, the peer that connected. */
  readonly target: Endpoint;
  /** Address that the proxy uses towards the target. */
  readonly bound: Endpoint;
  /** Protection of the connection to the proxy. */
  readonly protection: ProtectionLevel;
  /** How this side authenticated. */
  readonly identity: Identity;
  /** Protocol that both sides agreed on inside TLS (RFC 7301), if `connectTls` offered any. */
  readonly alpnProtocol: string | undefined;
  /** Whether it is inside TLS with the target, as `connectTls` makes it. */
  readonly tls: boolean;
  readonly #connection: UserConnection;
  #streams: ReturnType<typeof streamsOf> | undefined;

  /** @internal */
  constructor(made: MadeConnection, target: Endpoint, signal?: AbortSignal) {
    this.target = target;
    this.bound = made.bound;
    this.protection = made.protection;
    this.identity = made.identity;
    this.alpnProtocol = made.alpnProtocol;
    this.tls = made.tls ?? false;
    this.#connection = new UserConnection(made.connection, signal);
  }

  /** {@linkcode bound} in the form of `Deno.NetAddr`. */
  get localAddr(): ConnectionAddress {
    return { transport: "tcp", ...this.bound };
  }

  /** {@linkcode target} in the form of `Deno.NetAddr`. */
  get remoteAddr(): ConnectionAddress {
    return { transport: "tcp", ...this.target };
  }

  /**
   * Bytes from the target, as a byte stream with BYOB readers. It shares its position with {@linkcode read}. Cancelling it closes the
   * connection.
   */
  get readable(): ReadableStream<Bytes> {
    return (this.#streams ??= streamsOf(this.#connection)).readable;
  }

  /**
   * Bytes to the target. A chunk is a buffer or a view of one; do not change it until its write settles. Closing the stream calls
   * {@linkcode closeWrite}; aborting it closes the connection at once, also during a write.
   */
  get writable(): WritableStream<ByteSource> {
    return (this.#streams ??= streamsOf(this.#connection)).writable;
  }

  /**
   * Reads into `buffer`, in the manner of `Deno.Conn`. Do not transfer or shrink it until the read settles.
   *
   * @returns Returns the number of bytes, or `null` after the last one.
   * @throws {TypeError} The buffer is no `Uint8Array`, or its memory is gone. Only bytes already written to it are lost.
   * @throws {SocksError} See the class.
   */
  read(buffer: Uint8Array): Promise<number | null> {
    return this.#connection.read(buffer);
  }

  /**
   * Sends all bytes after those of earlier calls. Do not change them until it settles.
   *
   * @returns Returns the number of bytes.
   * @throws {TypeError} The argument is no buffer or view of one, or its memory was transferred; nothing was sent. If the memory is transferred
   *   during the write, the message has the number of bytes sent, and writing is over.
   * @throws {SocksError} See the class.
   */
  write(bytes: ByteSource): Promise<number> {
    return this.#connection.write(bytes);
  }

  /**
   * Ends writing after earlier writes. Reading goes on. Later calls have no effect.
   *
   * @throws {SocksError} See the class.
   */
  closeWrite(): Promise<void> {
    return this.#connection.closeWrite();
  }

  /** Closes both directions. Pending calls fail. Later calls have no effect. */
  close(): void {
    this.#connection.close();
  }

  /** Makes the connection keep the process alive. This is the default. */
  ref(): void {
    this.#connection.ref();
  }

  /** Lets the process end while the connection is open. It has no effect over Web Streams and WebSockets. */
  unref(): void {
    this.#connection.unref();
  }

  /**
   * Sets whether small writes are sent to the proxy at once (TCP_NODELAY), in the manner of `Deno.TcpConn`. They are from the start. It has
   * no effect over transports other than TCP.
   */
  setNoDelay(noDelay: boolean = true): void {
    this.#connection.setNoDelay(noDelay);
  }

  /**
   * Sets whether the system probes a silent proxy (SO_KEEPALIVE), in the manner of `Deno.TcpConn`. It does from the start. It has no effect
   * over transports other than TCP.
   */
  setKeepAlive(keepAlive: boolean = true): void {
    this.#connection.setKeepAlive(keepAlive);
  }

  /** Same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}
