/**
 * What users of the client hold: a connection that looks like Deno's own.
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

/** An end of a connection, in the form of `Deno.NetAddr`. */
export interface ConnectionAddress extends Endpoint {
  /** Kind of the transport. */
  readonly transport: "tcp";
}

/** What a {@linkcode SocksConnection} is made of. */
export interface MadeConnection extends ProxiedConnection {
  /** Protocol agreed upon inside TLS (RFC 7301). */
  readonly alpnProtocol?: string | undefined;
}

/**
 * A connection through a proxy, in the manner of `Deno.Conn`, and taken wherever one of these is. It behaves alike at every level of
 * protection, over every transport and inside TLS:
 *
 * - Calls at one time are served in their order, whether they are of {@linkcode read} or of {@linkcode readable}: each byte is delivered
 *   once, and what a short read left is the next one's.
 * - What fails does so for good: calls under way and later ones of that direction fail with the same error, and none says that the peer has
 *   ended. It is a {@linkcode SocksConnectionError}, `CLOSED` where this side closed it and `LOST` where the transport failed; a
 *   {@linkcode SocksTlsError} `TLS_CUT` where TLS ended without saying so; a {@linkcode SocksProtocolError} where the protection was broken;
 *   and the reason of the signal that it was opened with, where that was aborted.
 * - The peer's end does not end writing, nor {@linkcode closeWrite} reading. When both directions have ended, it is closed. So is one that
 *   nobody holds any more, when its memory is collected.
 *
 * @example A head that is read by hand, and a rest that is piped
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
  /** Target, with its host in one form: a name in A-labels, an address without brackets. After BIND, the peer that connected. */
  readonly target: Endpoint;
  /** Address that the proxy uses towards the target. */
  readonly bound: Endpoint;
  /** How the way to the proxy is protected. */
  readonly protection: ProtectionLevel;
  /** How this side authenticated. */
  readonly identity: Identity;
  /** Protocol agreed upon inside TLS (RFC 7301), where `connectTls` offered some. */
  readonly alpnProtocol: string | undefined;
  readonly #connection: UserConnection;
  #streams: ReturnType<typeof streamsOf> | undefined;

  /** @internal */
  constructor(made: MadeConnection, target: Endpoint, signal?: AbortSignal) {
    this.target = target;
    this.bound = made.bound;
    this.protection = made.protection;
    this.identity = made.identity;
    this.alpnProtocol = made.alpnProtocol;
    this.#connection = new UserConnection(made.connection, signal);
  }

  /** The same as {@linkcode bound}, in the form of `Deno.NetAddr`. */
  get localAddr(): ConnectionAddress {
    return { transport: "tcp", ...this.bound };
  }

  /** The same as {@linkcode target}, in the form of `Deno.NetAddr`. */
  get remoteAddr(): ConnectionAddress {
    return { transport: "tcp", ...this.target };
  }

  /**
   * Bytes from the target, as a stream of bytes, so that there are BYOB readers. It and {@linkcode read} read from one place. Cancelling it
   * closes the connection.
   */
  get readable(): ReadableStream<Bytes> {
    return (this.#streams ??= streamsOf(this.#connection)).readable;
  }

  /**
   * Bytes to the target, out of any buffer or view of one; a chunk must be left alone until its write settles. Closing it is
   * {@linkcode closeWrite}; aborting it closes the connection at once, whatever is being written.
   */
  get writable(): WritableStream<ByteSource> {
    return (this.#streams ??= streamsOf(this.#connection)).writable;
  }

  /**
   * Reads into `buffer`, in the manner of `Deno.Conn`. It must not be transferred or shrunk until the read settles.
   *
   * @returns How many bytes there are now, or `null` after the last.
   * @throws {TypeError} When it is no `Uint8Array`, or its memory is gone; nothing is lost by it that was not put there.
   * @throws {SocksError} As the class says.
   */
  read(buffer: Uint8Array): Promise<number | null> {
    return this.#connection.read(buffer);
  }

  /**
   * Sends all of the bytes, after those of earlier calls. They must be left alone until it settles.
   *
   * @returns How many bytes that were.
   * @throws {TypeError} When it is no buffer or view of one, or its memory was transferred: nothing was sent then. When the memory goes while
   *   it is being sent, the text says how much of it was, and writing is over.
   * @throws {SocksError} As the class says.
   */
  write(bytes: ByteSource): Promise<number> {
    return this.#connection.write(bytes);
  }

  /**
   * Says that nothing more will be sent, after what earlier calls send; reading goes on. May be called again.
   *
   * @throws {SocksError} As the class says.
   */
  closeWrite(): Promise<void> {
    return this.#connection.closeWrite();
  }

  /** Ends both directions. Everything under way fails, whatever the peer does. May be called again. */
  close(): void {
    this.#connection.close();
  }

  /** Has the connection keep the process going, as it does from the start. */
  ref(): void {
    this.#connection.ref();
  }

  /** Lets the process end although the connection is open. Connections over Web Streams and WebSockets have no say in that. */
  unref(): void {
    this.#connection.unref();
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
