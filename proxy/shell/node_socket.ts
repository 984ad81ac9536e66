/**
 * A connection through a proxy as a socket of Node's, for libraries that take sockets only.
 *
 * @module
 */
import type { Socket } from "node:net";
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { type Deadline, onAbort, startDeadline } from "../../base/deadline.ts";
import { asError } from "../../base/reason.ts";
import { type Bytes, concat, EMPTY } from "../../base/bytes.ts";
import type { SocksConnection } from "../../socks/client/socks_connection.ts";

/** Bytes asked for in one read. */
const READ_SIZE = 65_536;

type Done = (error?: Error | null) => void;

/**
 * Returns a socket over a connection, with the members of `net.Socket` that libraries use. Give the promise of a connection to libraries that
 * want a socket at once: the socket emits `connect` when it is open (over `connectTls()` also `secureConnect`), and `error` when it cannot be
 * opened. Its `connect()` opens nothing: the connection is the one given, whatever host the library asks for.
 *
 * The socket owns the connection: reading, writing and closing by other ways disturbs it.
 *
 * @param connection Such as the result of `connect()` or `connectTls()`.
 *
 * @example Reads through a socket
 * ```ts
 * import { connect } from "@gssocks/gssocks";
 * import { nodeSocket } from "@gssocks/gssocks/node";
 *
 * export function database(): ReturnType<typeof nodeSocket> {
 *   return nodeSocket(connect({ proxy: "proxy.example.com", hostname: "db.intranet", port: 5432 }));
 * }
 * ```
 */
export function nodeSocket(connection: SocksConnection | Promise<SocksConnection>): Socket {
  // It has the members of a socket that are not those of a server or of the system's handle.
  return new ProxiedSocket(connection) as unknown as Socket;
}

/** Implements {@linkcode nodeSocket}. */
class ProxiedSocket extends Duplex {
  readonly #opening: Promise<SocksConnection>;
  /** Ends the wait for the connection. */
  #opened: Done | undefined;
  #connection: SocksConnection | undefined;
  #isReferenced = true;
  #noDelay: boolean | undefined;
  #keepAlive: boolean | undefined;
  #idle: Deadline | undefined;
  /** Memory for the next read. */
  #memory: Bytes = EMPTY;
  /** Idle time after which `timeout` is emitted, in milliseconds; 0 for never. */
  timeout = 0;
  bytesRead = 0;
  bytesWritten = 0;

  constructor(connection: SocksConnection | Promise<SocksConnection>) {
    // As net.Socket: when the peer ends, so does this side.
    super({ allowHalfOpen: false, emitClose: true });
    this.#opening = Promise.resolve(connection);
    // A library may never look at the socket again.
    this.#opening.catch(() => {});
  }

  override _construct(done: Done): void {
    // A listener that throws is not a connection that fails.
    this.#opened = (error) => {
      this.#opened = undefined;
      done(error);
    };
    this.#opening.then((connection) => {
      if (this.destroyed) return connection.close();
      this.#connection = connection;
      if (!this.#isReferenced) connection.unref();
      if (this.#noDelay !== undefined) connection.setNoDelay(this.#noDelay);
      if (this.#keepAlive !== undefined) connection.setKeepAlive(this.#keepAlive);
      this.#opened?.();
      this.emit("connect");
      this.emit("ready");
      if (connection.tls) this.emit("secureConnect");
    }, (error) => this.#opened?.(asError(error)));
    if (this.destroyed) this.#opened();
  }

  /** A socket that is not open yet is closed at once, and its connection as soon as there is one. */
  override destroy(error?: Error): this {
    super.destroy(error);
    this.#opened?.();
    return this;
  }

  override _read(): void {
    if (this.#memory.length === 0) this.#memory = new Uint8Array(READ_SIZE);
    const memory = this.#memory;
    this.#connection!.read(memory).then((count) => {
      this.#touch();
      if (count === null) return void this.push(null);
      this.bytesRead += count;
      // A reader may hold many small pieces for long: they do not keep the memory of a whole read each.
      if (count <= READ_SIZE / 2) return void this.push(Buffer.from(memory.subarray(0, count)));
      this.#memory = EMPTY;
      this.push(Buffer.from(memory.buffer, 0, count));
    }, (error) => this.destroy(asError(error)));
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#connection!.write(chunk).then((count) => {
      this.#touch();
      this.bytesWritten += count;
      done();
    }, (error) => done(asError(error)));
  }

  /** Small writes that waited become one message of the protected stream. */
  override _writev(chunks: { readonly chunk: Uint8Array }[], done: Done): void {
    this._write(concat(...chunks.map(({ chunk }) => chunk)), "buffer", done);
  }

  override _final(done: Done): void {
    this.#connection!.closeWrite().then(() => done(), (error) => done(asError(error)));
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#idle?.[Symbol.dispose]();
    this.#connection?.close();
    done(error);
  }

  /** Opens nothing; a callback is called once the connection is open. */
  connect(...args: readonly unknown[]): this {
    const callback = args.at(-1);
    if (typeof callback === "function") {
      if (this.connecting) this.once("connect", callback as () => void);
      else queueMicrotask(() => callback());
    }
    return this;
  }

  get connecting(): boolean {
    return this.#connection === undefined && !this.destroyed;
  }

  get pending(): boolean {
    return this.connecting;
  }

  get readyState(): string {
    if (this.connecting) return "opening";
    if (this.readable && this.writable) return "open";
    return this.readable ? "readOnly" : this.writable ? "writeOnly" : "closed";
  }

  get localAddress(): string | undefined {
    return this.#connection?.bound.hostname;
  }

  get localPort(): number | undefined {
    return this.#connection?.bound.port;
  }

  get remoteAddress(): string | undefined {
    return this.#connection?.target.hostname;
  }

  get remotePort(): number | undefined {
    return this.#connection?.target.port;
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.remoteAddress);
  }

  /** Protocol that both sides agreed on inside TLS; `false` where there is none, as in `tls.TLSSocket`. */
  get alpnProtocol(): string | false {
    return this.#connection?.alpnProtocol ?? false;
  }

  address(): Readonly<Record<string, unknown>> {
    return this.#connection === undefined
      ? {}
      : { address: this.localAddress, port: this.localPort, family: familyOf(this.localAddress) };
  }

  setNoDelay(noDelay: boolean = true): this {
    this.#noDelay = noDelay;
    this.#connection?.setNoDelay(noDelay);
    return this;
  }

  setKeepAlive(keepAlive: boolean = false): this {
    this.#keepAlive = keepAlive;
    this.#connection?.setKeepAlive(keepAlive);
    return this;
  }

  ref(): this {
    this.#isReferenced = true;
    this.#connection?.ref();
    return this;
  }

  unref(): this {
    this.#isReferenced = false;
    this.#connection?.unref();
    return this;
  }

  setTimeout(milliseconds: number, callback?: () => void): this {
    this.timeout = milliseconds;
    if (callback !== undefined) {
      if (milliseconds > 0) this.once("timeout", callback);
      else this.off("timeout", callback);
    }
    this.#touch();
    return this;
  }

  /** Ends writing, and closes when everything is sent. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  /** Starts the idle time again. */
  #touch(): void {
    this.#idle?.[Symbol.dispose]();
    this.#idle = undefined;
    if (this.timeout <= 0 || this.destroyed) return;
    this.#idle = startDeadline({ milliseconds: this.timeout, reason: () => new Error("no byte came or left") });
    onAbort(this.#idle.signal, () => this.emit("timeout"));
  }
}

function familyOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  return address.includes(":") ? "IPv6" : /^[\d.]+$/.test(address) ? "IPv4" : undefined;
}
