/**
 * TLS over any connection, through `node:tls`: `Deno.startTls` takes sockets only, and a tunnel is none.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { asBytes, type Bytes } from "../../gss/bytes.ts";
import { abortable } from "../../gss/deadline.ts";
import { SocksProtocolError } from "../errors.ts";
import { parseIp } from "../wire/ip.ts";
import type { Connection } from "./connection.ts";

/** What a TLS client asks for. */
export interface TlsClientOptions {
  /** Name that the server's certificate must have. */
  readonly hostname: string;
  /** Certificates of authorities to trust, in PEM, instead of the system's. */
  readonly caCerts?: readonly string[] | undefined;
  /** Protocols offered (RFC 7301), such as `h2`. */
  readonly alpnProtocols?: readonly string[] | undefined;
  /** Ends the attempt. */
  readonly signal?: AbortSignal | undefined;
}

/** A connection inside TLS. */
export interface TlsConnection extends Connection {
  /** Protocol agreed upon (RFC 7301). */
  readonly alpnProtocol: string | undefined;
}

/**
 * Shakes hands with a TLS server at the other end. The connection underneath is closed with the one given back, and when the
 * handshake fails.
 *
 * @throws {SocksProtocolError} `NOT_GENUINE` when the handshake fails or the certificate is not the server's.
 */
export async function tlsOver(connection: Connection, options: TlsClientOptions): Promise<TlsConnection> {
  const { hostname, caCerts, alpnProtocols, signal } = options;
  // Loaded when it is wanted: most users of this package never do.
  const [{ Duplex }, { connect }] = await Promise.all([import("node:stream"), import("node:tls")]);
  const socket = connect({
    socket: duplexOf(Duplex, connection),
    host: hostname,
    // An address has no place in SNI (RFC 6066 section 3); the certificate must have it all the same.
    ...(parseIp(hostname) === undefined ? { servername: hostname } : {}),
    ...(caCerts === undefined ? {} : { ca: [...caCerts] }),
    ...(alpnProtocols === undefined ? {} : { ALPNProtocols: [...alpnProtocols] }),
  });
  const secured = Promise.withResolvers<void>();
  socket.once("secureConnect", () => secured.resolve());
  socket.once("error", (error: Error) => secured.reject(error));
  socket.once("close", () => secured.reject(new Error("connection was closed")));
  try {
    await abortable(secured.promise, signal);
  } catch (cause) {
    secured.promise.catch(() => {});
    socket.on("error", () => {});
    socket.destroy();
    connection.close();
    signal?.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SocksProtocolError("NOT_GENUINE", `TLS handshake with ${hostname} failed: ${reason}`, { cause });
  }
  return new DuplexConnection(socket, connection);
}

/** A stream of Node's over a connection. */
function duplexOf(Stream: typeof Duplex, connection: Connection): Duplex {
  const stream = new Stream({
    read(): void {
      connection.read().then((bytes) => stream.push(bytes), (error) => stream.destroy(error));
    },
    write(chunk: Uint8Array, _encoding: unknown, done: (error?: Error | null) => void): void {
      connection.write(chunk).then(() => done(), done);
    },
    final(done: (error?: Error | null) => void): void {
      connection.closeWrite().then(() => done(), done);
    },
    destroy(error: Error | null, done: (error?: Error | null) => void): void {
      connection.close();
      done(error);
    },
  });
  return stream;
}

class DuplexConnection implements TlsConnection {
  readonly alpnProtocol: string | undefined;
  readonly #stream: Duplex;
  readonly #under: Connection;
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(stream: Duplex & { alpnProtocol?: string | false | null }, under: Connection) {
    this.#stream = stream;
    this.#under = under;
    this.alpnProtocol = stream.alpnProtocol || undefined;
    this.#chunks = stream[Symbol.asyncIterator]();
    stream.on("error", () => {}); // Told by the read or the write that it is met in.
  }

  async read(): Promise<Bytes | null> {
    const { done, value } = await this.#chunks.next();
    return done ? null : asBytes(new Uint8Array(value));
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes.slice(), (error) => error ? reject(error) : resolve());
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }

  close(): void {
    this.#stream.destroy();
    this.#under.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}
