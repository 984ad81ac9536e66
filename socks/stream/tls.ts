/**
 * TLS over any connection, through `node:tls`: `Deno.startTls` takes sockets only, and a tunnel is none.
 *
 * @module
 */
import { abortable } from "../../gss/deadline.ts";
import { SocksProtocolError } from "../errors.ts";
import { hostName } from "../wire/host_name.ts";
import { parseIp } from "../wire/ip.ts";
import type { Connection } from "./connection.ts";
import { connectionFromDuplex, duplexOf } from "./duplex.ts";

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
  const { caCerts, alpnProtocols, signal } = options;
  const hostname = hostName(options.hostname);
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
  return Object.assign(connectionFromDuplex(socket, { under: connection }), {
    alpnProtocol: socket.alpnProtocol || undefined,
  });
}
