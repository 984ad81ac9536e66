/**
 * TLS over any connection, through `node:tls`. `Deno.startTls` takes Deno's sockets only.
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
import { CarrierStream } from "./carrier.ts";
import type { Connection } from "../stream/connection.ts";
import { nodeTls } from "./node_modules.ts";
import { NodeTlsConnection } from "./tls_connection.ts";

/**
 * Starts TLS as a client and waits for the handshake. Closing the returned connection, or a failed handshake, closes the connection
 * underneath.
 *
 * A read returns `null` only after the server's close_notify. If the connection underneath ends without one, the bytes before are
 * returned and then every read fails (RFC 8446 section 6.1).
 *
 * @throws {SocksTlsError} `TLS_HANDSHAKE` when the handshake fails or the certificate is not valid for the server.
 * @throws {TypeError} A certificate or key is invalid, or this runtime has no `node:tls`.
 * @throws The signal's reason, if it is aborted.
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
    const { stream: { Duplex }, tls: { connect } } = nodeTls();
    const carrier = new CarrierStream(Duplex, connection);
    socket = connect({ socket: carrier.stream, host: hostname, ...connectOptions(options, hostname) });
    const secure = new NodeTlsConnection(socket, { carrier, connection, peer: "server" });
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
 * Starts TLS as a server. The handshake happens with the first reads and writes, which fail if it fails. Closing the connection before that
 * closes the connection underneath, whatever the client does.
 */
export function acceptTls(connection: Connection, { cert, key }: TlsIdentity): Connection {
  const { stream: { Duplex }, tls: { createSecureContext, TLSSocket } } = nodeTls();
  const carrier = new CarrierStream(Duplex, connection);
  const secureContext = createSecureContext({ cert, key });
  const socket = new TLSSocket(carrier.stream, { isServer: true, secureContext });
  return new NodeTlsConnection(socket, { carrier, connection, peer: "client" });
}

/** Options of `node:tls`. */
function connectOptions({ caCerts, alpnProtocols, cert, key }: TlsClientOptions, hostname: string): ConnectionOptions {
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError("Cannot show a certificate to a TLS server: `cert` and `key` go together");
  }
  // `node:tls` ignores a text without PEM.
  for (const text of caCerts ?? []) checkPem("caCerts", text, "CERTIFICATE");
  if (cert !== undefined) checkPem("cert", cert, "CERTIFICATE");
  if (key !== undefined) checkPem("key", key, "PRIVATE KEY");
  return {
    // SNI may not contain an address (RFC 6066 section 3). The certificate is still checked for it.
    ...(parseIp(hostname) === undefined ? { servername: hostname } : {}),
    ...(caCerts === undefined ? {} : { ca: [...caCerts] }),
    ...(alpnProtocols === undefined ? {} : { ALPNProtocols: [...alpnProtocols] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

function checkPem(option: string, text: unknown, label: string): void {
  if (typeof text === "string" && new RegExp(`^-----BEGIN ([A-Z0-9]+ )*${label}-----`, "m").test(text)) return;
  throw new TypeError(`Cannot use \`${option}\` for TLS: there is no ${label} in PEM (RFC 7468) in it`);
}
