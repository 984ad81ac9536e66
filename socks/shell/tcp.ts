/**
 * Connections over Deno's sockets: the only file of the SOCKS tree that opens one. Deno's errors become ours here.
 *
 * @module
 */
import type { ListenTcp, ListenTcpOptions } from "../stream/listen_tcp.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import { reasonText } from "../../base/reason.ts";
import type { Bytes } from "../../base/bytes.ts";
import { abortable, pause, startDeadline } from "../../base/deadline.ts";
import { closedError } from "../stream/closed_error.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { isLocalhost } from "../wire/host_name.ts";
import { canonicalAddress } from "../wire/ip.ts";
import { Chunk } from "../stream/chunk.ts";
import type { Connection, Dialer, DialOptions } from "../stream/connection.ts";
import { dialError } from "../stream/dial_error.ts";
import { listenAtLocalhost } from "./localhost.ts";
import { balancers, proxyProtocol } from "../stream/proxy_protocol.ts";
import { ReadSize } from "../stream/read_size.ts";
import { acceptTls, type TlsIdentity, tlsOver } from "./tls.ts";

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
    if (this.#hasLastWord) throw closedError("The connection");
    // A socket says "end" to whoever has no room.
    const buffer = into !== undefined && into.length > 0 ? into : new Uint8Array(this.#readSize.next);
    const { length } = buffer;
    let count: number | null;
    try {
      count = await this.#conn.read(buffer);
      if (this.#hasLastWord) throw closedError("The connection");
      // The failure of a read before this one, or of a write, has used up what the system has to say.
      if (count === null) return await this.#trueEnd();
    } catch (error) {
      if (buffer.length < length) throw memoryGone();
      throw this.#readFailure ??= this.#closed ? closedError("The connection") : error;
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
    if (this.#closed) throw closedError("The connection");
    if (this.#ending !== undefined) throw closedError("Writing");
  }

  /** A socket takes as much as it has room for, so this goes on until all is taken. */
  async #writeAll(chunk: Chunk): Promise<void> {
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    let at = 0;
    try {
      while (at < chunk.length) {
        if (this.#hasLastWord) throw closedError("The connection");
        const count = await this.#conn.write(chunk.from(at));
        at += count;
        this.#written += count;
      }
    } catch (error) {
      this.#noteReset(error);
      // The system cannot read memory that a buffer has given up, and says so in its own way.
      const failure = chunk.isShrunk ? chunk.shrunkError(at) : error;
      throw this.#writeFailure ??= this.#closed ? closedError("The connection") : failure;
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
    if (this.#closed) return Promise.reject(closedError("The connection"));
    return this.#ending ??= this.#writing.then(() => this.#endWriting());
  }

  /** An end behind bytes that are missing would make the rest look like the whole. */
  async #endWriting(): Promise<void> {
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      throw this.#writeFailure ??= this.#closed ? closedError("The connection") : error;
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

/** Connects over TCP. */
export const dialTcp: Dialer = async (target: Endpoint, options: DialOptions): Promise<Connection> => {
  const { signal } = options;
  try {
    const { hostname, port } = target;
    return new DenoConnection(await Deno.connect({ hostname, port, ...(signal === undefined ? {} : { signal }) }));
  } catch (error) {
    signal?.throwIfAborted();
    throw dialError(target, error);
  }
};

/**
 * Listens on TCP: at `localhost` at both of its addresses, where the machine has them and the program may.
 *
 * @throws As `Deno.listen` does, with what it is about in front.
 */
export const listenTcp: ListenTcp = (options: ListenTcpOptions): ConnectionListener => {
  const { hostname, port, reusePort = false, proxyProtocol: balanced } = options;
  if (balanced !== undefined) balancers(balanced.from);
  if (isLocalhost(hostname.toLowerCase()) && mayListen("127.0.0.1", port)) {
    return listenAtLocalhost(port, (where) => {
      // Nobody is asked for a permission that is not needed.
      if (where.hostname === "::1" && !mayListen("[::1]", where.port)) throw NO_ADDRESS;
      return listenTcp({ ...options, ...where });
    });
  }
  // The option is in no stable types, and whoever has a copy of this file may compile it with these alone.
  const where: Deno.TcpListenOptions & { readonly reusePort: boolean } = { hostname, port, reusePort };
  const listener = named(`Cannot listen on ${formatEndpoint(options)}`, () => Deno.listen(where));
  const straight = accepting(listener, { hostname: listener.addr.hostname, port: listener.addr.port });
  return balanced === undefined ? straight : proxyProtocol(straight, balanced);
};

/** What the system says of an address that the machine has not. */
const NO_ADDRESS: Error = Object.assign(new Error("Address is not to be had"), { code: "EADDRNOTAVAIL" });

function mayListen(host: string, port: number): boolean {
  return Deno.permissions.querySync({ name: "net", host: `${host}:${port}` }).state === "granted";
}

/** The system does not say of what it speaks. The error stays the one that it is. */
function named<T>(what: string, listen: () => T): T {
  try {
    return listen();
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

/**
 * Listens for TLS, with SOCKS inside of it. A client is accepted before its handshake, which is part of what is read first.
 *
 * @throws {TypeError} When the certificate or the key is none, or they are not of one another.
 * @throws As `Deno.listen` does.
 *
 * @example
 * ```ts
 * import { listenTls, type RunningServer, serve } from "@gssocks/gssocks";
 *
 * export function serveTls(folder: string): RunningServer {
 *   const [cert, key] = ["cert.pem", "key.pem"].map((name) => Deno.readTextFileSync(`${folder}/${name}`));
 *   const listener = listenTls({ hostname: "0.0.0.0", port: 1443, cert: cert!, key: key! });
 *   return serve({ listeners: [listener], keytab: "/etc/krb5.keytab", rules: ["allow .example.com"] });
 * }
 * ```
 */
export function listenTls(options: ListenTcpOptions & TlsIdentity): TlsListener {
  checkIdentity(options);
  let { cert, key } = options;
  // `Deno.listenTls` cannot let go of a client that does not finish its handshake.
  const listener = listenTcp(options);
  return {
    addr: listener.addr,
    async accept(): Promise<Connection | undefined> {
      const connection = await listener.accept();
      return connection === undefined ? undefined : await acceptTls(connection, { cert, key });
    },
    update(identity): void {
      checkIdentity(identity);
      ({ cert, key } = identity);
    },
    close: () => listener.close(),
    ref: () => listener.ref?.(),
    unref: () => listener.unref?.(),
  };
}

/** A listener whose clients speak TLS. */
export interface TlsListener extends ConnectionListener {
  /**
   * Shows another certificate to clients that are accepted from now on, a renewed one for example.
   *
   * @throws {TypeError} When the certificate or the key is none, or they are not of one another; the old ones stay then.
   */
  update(identity: TlsIdentity): void;
}

/** What {@linkcode dialTls} takes. */
export interface DialTlsOptions {
  /** Certificates of authorities to trust, in PEM, instead of the system's. @default {the system's} */
  readonly caCerts?: readonly string[] | undefined;
  /** Certificate to show to a proxy that asks for one, in PEM, with those behind it. Goes with `key`. */
  readonly cert?: string | undefined;
  /** Private key of `cert`, in PEM. */
  readonly key?: string | undefined;
}

/**
 * Connects over TLS: to a proxy that speaks SOCKS inside of it. The dialer that it makes throws {@linkcode SocksReplyError}
 * where the proxy cannot be reached, and {@linkcode SocksTlsError} `TLS_HANDSHAKE` where its certificate is not its own or the
 * handshake fails; an attempt that fails or is given up leaves no socket.
 *
 * @throws {TypeError} When a certificate or key given is none.
 *
 * @example
 * ```ts
 * import { connect, dialTls } from "@gssocks/gssocks";
 *
 * export async function throughTls(caCert: string): Promise<void> {
 *   const dial = dialTls({ caCerts: [caCert] });
 *   await using connection = await connect({ proxy: "proxy.example.com:1443", dial, hostname: "intranet", port: 80 });
 *   await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
 * }
 * ```
 */
export function dialTls(options: DialTlsOptions = {}): Dialer {
  const { caCerts, cert, key } = options;
  if (cert !== undefined && key !== undefined) checkIdentity({ cert, key });
  return async (target, { signal }) => {
    const connection = await dialTcp(target, { signal });
    return await tlsOver(connection, { hostname: target.hostname, caCerts, cert, key, signal });
  };
}

/**
 * Checks a certificate and its key. Whether they are what they are to be is known to Deno alone, and told where they are to be used.
 *
 * @throws {TypeError} When the certificate or the key is none, or they are not of one another.
 */
export function checkIdentity({ cert, key }: TlsIdentity): void {
  try {
    Deno.createHttpClient({ cert, key }).close();
  } catch (cause) {
    const reason = reasonText(cause);
    throw new TypeError(`Cannot use certificate and key for TLS: ${reason}`, { cause });
  }
}

/**
 * Listens on a socket in the file system, which must not be there yet, and is taken away by {@linkcode ConnectionListener.close}; one that a
 * process left behind that was killed is the administrator's to remove. Who may connect is what its folder's mode says.
 *
 * @example
 * ```ts
 * import { listenUnix, type RunningServer, serve } from "@gssocks/gssocks";
 *
 * export function main(): RunningServer {
 *   const listeners = [listenUnix("/run/gssocks/proxy.sock")];
 *   return serve({ listeners, keytab: "/etc/krb5.keytab", rules: ["allow 10.0.0.0/8"] });
 * }
 * ```
 */
export function listenUnix(path: string): ConnectionListener {
  const listener = named(
    `Cannot listen at ${path}`,
    () => Deno.listen({ transport: "unix", path }),
  );
  return accepting(listener, { hostname: path, port: 0 });
}

/**
 * Connects to a socket in the file system, whatever the target given is. The proxy's host name for Kerberos is still that of the
 * proxy given.
 *
 * @example
 * ```ts
 * import { connect, dialUnix, type SocksConnection } from "@gssocks/gssocks";
 *
 * export async function reach(hostname: string, port: number): Promise<SocksConnection> {
 *   const dial = dialUnix("/run/gssocks/proxy.sock");
 *   return await connect({ proxy: "proxy.example.com", dial, hostname, port });
 * }
 * ```
 */
export function dialUnix(path: string): Dialer {
  return async (_target, { signal }) => {
    const opening = Deno.connect({ transport: "unix", path });
    try {
      return new DenoConnection(await abortable(opening, signal));
    } catch (error) {
      opening.then((conn) => conn.close(), () => {}); // Comes too late.
      signal?.throwIfAborted();
      throw dialError({ hostname: path, port: 0 }, error);
    }
  };
}

/** What accepting a client says that is gone again: no trouble of the listener's, and nothing for which others have to wait. */
function isGone(error: unknown): boolean {
  const { NotConnected, ConnectionAborted, ConnectionReset } = Deno.errors;
  return [NotConnected, ConnectionAborted, ConnectionReset].some((kind) => error instanceof kind);
}

function accepting(listener: Deno.Listener, addr: Endpoint): ConnectionListener {
  let closed = false;
  return {
    addr,
    async accept(): Promise<Connection | undefined> {
      for (;;) {
        try {
          return new DenoConnection(await listener.accept());
        } catch (error) {
          if (closed) return undefined;
          if (!isGone(error)) throw error;
        }
      }
    },
    close(): void {
      if (!closed) listener.close();
      closed = true;
    },
    ref: () => listener.ref(),
    unref: () => listener.unref(),
  };
}
