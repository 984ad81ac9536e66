/**
 * TLS over any connection, through `node:tls`: `Deno.startTls` takes sockets only, and a tunnel is none.
 *
 * @module
 */
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { Bytes } from "../../gss/bytes.ts";
import { abortable, startDeadline } from "../../gss/deadline.ts";
import { SocksProtocolError, SocksTlsError } from "../errors.ts";
import { hostName } from "../wire/host_name.ts";
import { parseIp } from "../wire/ip.ts";
import { Carrier } from "./carrier.ts";
import type { Connection } from "./connection.ts";
import { DuplexConnection, type Referenced } from "./duplex.ts";

/** What a TLS client asks for. */
export interface TlsClientOptions {
  /** Name that the server's certificate must have. */
  readonly hostname: string;
  /** Certificates of authorities to trust, in PEM, instead of the system's. */
  readonly caCerts?: readonly string[] | undefined;
  /** Protocols offered (RFC 7301), such as `h2`. */
  readonly alpnProtocols?: readonly string[] | undefined;
  /** Certificate to show to a server that asks for one, in PEM, with those behind it. Goes with `key`. */
  readonly cert?: string | undefined;
  /** Private key of `cert`, in PEM. */
  readonly key?: string | undefined;
  /** Ends the attempt. A connection that was made is not closed by it. */
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
 * Reading ends with `null` after the server's close_notify alone: where the connection underneath ends without one, what came
 * before is read, and then every read fails (RFC 8446 section 6.1).
 *
 * @throws {SocksTlsError} `TLS_HANDSHAKE` when the handshake fails or the certificate is not the server's.
 * @throws {TypeError} When a certificate or key given is none.
 * @throws The signal's reason, where that ends it.
 */
export async function tlsOver(connection: Connection, options: TlsClientOptions): Promise<TlsConnection> {
  const { signal } = options;
  const hostname = hostName(options.hostname);
  // Loaded when it is wanted: most users of this package never do.
  const [{ Duplex }, { connect }] = await Promise.all([import("node:stream"), import("node:tls")]);
  const carrier = new Carrier(Duplex, connection);
  const secured = Promise.withResolvers<void>();
  let socket: TLSSocket | undefined;
  try {
    socket = connect({ socket: carrier.stream, host: hostname, ...asked(options, hostname) });
    const secure = new TlsOver(socket, carrier, connection);
    carrier.onEnd = ({ error }) => socket!.destroy(error ?? new Error("the server closed the connection"));
    socket.once("secureConnect", () => {
      secure.start();
      secured.resolve();
    });
    socket.once("error", (error: Error) => secured.reject(error));
    carrier.watch();
    await abortable(secured.promise, signal);
    signal?.throwIfAborted();
    return secure;
  } catch (cause) {
    secured.promise.catch(() => {});
    socket?.destroy();
    connection.close();
    signal?.throwIfAborted();
    if (socket === undefined) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SocksTlsError("TLS_HANDSHAKE", `TLS handshake with ${hostname} failed: ${reason}`, { cause });
  }
}

/** What `node:tls` is asked for. */
function asked({ caCerts, alpnProtocols, cert, key }: TlsClientOptions, hostname: string): ConnectionOptions {
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError("Cannot show a certificate to a TLS server: `cert` and `key` go together");
  }
  // It takes anything, and leaves out what it cannot read.
  for (const text of caCerts ?? []) wantPem("caCerts", text, "CERTIFICATE");
  if (cert !== undefined) wantPem("cert", cert, "CERTIFICATE");
  if (key !== undefined) wantPem("key", key, "PRIVATE KEY");
  return {
    // An address has no place in SNI (RFC 6066 section 3); the certificate must have it all the same.
    ...(parseIp(hostname) === undefined ? { servername: hostname } : {}),
    ...(caCerts === undefined ? {} : { ca: [...caCerts] }),
    ...(alpnProtocols === undefined ? {} : { ALPNProtocols: [...alpnProtocols] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

function wantPem(option: string, text: unknown, label: string): void {
  if (typeof text === "string" && new RegExp(`^-----BEGIN ([A-Z0-9]+ )*${label}-----`, "m").test(text)) return;
  throw new TypeError(`Cannot use \`${option}\` for TLS: there is no ${label} in PEM (RFC 7468) in it`);
}

/**
 * An error of an established stream in our words. A server that does not want this side's certificate says so in an alert,
 * which comes after this side's handshake is done (RFC 8446 section 4.4.2.4).
 */
function translated(error: Error, received: number): Error {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !code.startsWith("ERR_SSL_")) return error;
  if (!error.message.startsWith("received fatal alert")) {
    return new SocksProtocolError("NOT_GENUINE", `TLS record is not genuine: ${error.message}`, { cause: error });
  }
  if (received > 0) return error;
  return new SocksTlsError("TLS_HANDSHAKE", `TLS server ended the handshake: ${error.message}`, { cause: error });
}

/** The connection inside, once the handshake is done. */
class TlsOver extends DuplexConnection implements TlsConnection {
  readonly #socket: TLSSocket;
  readonly #carrier: Carrier;
  readonly #connection: Connection & Referenced;
  #gone: Promise<void> | undefined;

  constructor(socket: TLSSocket, carrier: Carrier, connection: Connection) {
    super(socket, connection);
    this.#socket = socket;
    this.#carrier = carrier;
    this.#connection = connection;
    carrier.onWriteFailure = (error) => this.failWrites(error);
  }

  get alpnProtocol(): string | undefined {
    return this.#socket.alpnProtocol || undefined;
  }

  /** The handshake is done: the end underneath is no longer one of the handshake. */
  start(): void {
    this.#carrier.full = () => this.#socket.readableLength >= this.#socket.readableHighWaterMark;
    this.#carrier.onEnd = () => this.changed();
  }

  /** A server that has no more to say says so inside TLS; who ends it outside may be anybody. */
  protected override missing(): Error | undefined {
    const { end } = this.#carrier;
    if (end === undefined || this.ended) return undefined;
    return end.error ?? new SocksTlsError("TLS_CUT", "TLS stream was cut: it ended without a close_notify");
  }

  protected override taken(): void {
    this.#carrier.resume();
  }

  protected override fail(error: Error): void {
    super.fail(translated(error, this.#socket.bytesRead));
  }

  override async closeWrite(): Promise<void> {
    await super.closeWrite();
    await this.#carrier.flushed();
    if (this.#carrier.writeFailure !== undefined) throw this.#carrier.writeFailure;
    await this.#connection.closeWrite();
  }

  /** Ours says so, too, where a record is not under way: a server would take the end for a cut. */
  protected override release(): void {
    const { stream } = this.#carrier;
    const idle = this.#socket.writableLength === 0 && stream.writableLength === 0;
    const able = !this.#socket.destroyed && !this.#socket.writableEnded && this.#carrier.writeFailure === undefined;
    if (idle && able) this.#socket.end();
    this.#gone = this.#depart();
  }

  async #depart(): Promise<void> {
    using deadline = startDeadline({ milliseconds: PATIENCE, reason: () => new Error("server does not take it") });
    await abortable(this.#carrier.flushed(), deadline.signal).catch(() => {});
    this.#socket.destroy();
    this.#connection.close();
  }

  override ref(): void {
    this.#connection.ref?.();
  }

  override unref(): void {
    this.#connection.unref?.();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#gone;
  }
}

/** Longest wait until a close_notify is taken, in milliseconds. */
const PATIENCE = 1_000;
