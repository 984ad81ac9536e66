/**
 * TLS over any connection, through `node:tls`: `Deno.startTls` takes sockets only, and a tunnel is none.
 *
 * @module
 */
import type { TlsClientOptions, TlsConnection, TlsIdentity } from "../stream/tls.ts";
import { reasonText } from "../../base/reason.ts";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { abortable } from "../../base/deadline.ts";
import { SocksTlsError } from "../errors.ts";
import { hostName } from "../wire/host_name.ts";
import { parseIp } from "../wire/ip.ts";
import { Carrier } from "./carrier.ts";
import type { Connection } from "../stream/connection.ts";
import { TlsOver } from "./tls_connection.ts";

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
 *
 * @example
 * ```ts
 * import { type Connection, tlsOver } from "@gssocks/gssocks/socks";
 *
 * export async function secured(tunnel: Connection): Promise<Connection> {
 *   return await tlsOver(tunnel, { hostname: "intranet.example.com", signal: AbortSignal.timeout(10_000) });
 * }
 * ```
 */
export async function tlsOver(connection: Connection, options: TlsClientOptions): Promise<TlsConnection> {
  const { signal } = options;
  const secured = Promise.withResolvers<void>();
  let socket: TLSSocket | undefined;
  try {
    const hostname = hostName(options.hostname);
    // Loaded when it is wanted: most users of this package never do.
    const [{ Duplex }, { connect }] = await Promise.all([import("node:stream"), import("node:tls")]);
    const carrier = new Carrier(Duplex, connection);
    socket = connect({ socket: carrier.stream, host: hostname, ...asked(options, hostname) });
    const secure = new TlsOver(socket, { carrier, connection, peer: "server" });
    socket.once("secureConnect", () => secured.resolve());
    socket.once("error", (error: Error) => secured.reject(error));
    socket.once("close", () => secured.reject(new Error("the connection was closed")));
    await abortable(secured.promise, signal);
    signal?.throwIfAborted();
    return secure;
  } catch (cause) {
    secured.promise.catch(() => {});
    socket?.destroy();
    connection.close();
    signal?.throwIfAborted();
    if (socket === undefined) throw cause;
    const reason = reasonText(cause);
    const message = `TLS handshake with ${options.hostname} failed: ${reason}`;
    throw new SocksTlsError("TLS_HANDSHAKE", message, { cause });
  }
}

/**
 * TLS with a client at the other end. The handshake is part of what is read and written first, and fails with it; a connection
 * that is closed before is closed underneath, whatever the client does.
 */
export async function acceptTls(connection: Connection, { cert, key }: TlsIdentity): Promise<Connection> {
  const [{ Duplex }, { createSecureContext, TLSSocket }] = await Promise.all([
    import("node:stream"),
    import("node:tls"),
  ]);
  const carrier = new Carrier(Duplex, connection);
  const secureContext = createSecureContext({ cert, key });
  const socket = new TLSSocket(carrier.stream, { isServer: true, secureContext });
  return new TlsOver(socket, { carrier, connection, peer: "client" });
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
