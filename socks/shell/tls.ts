/**
 * TLS on TCP: dialing and listening.
 *
 * @module
 */
import type { DialTlsOptions, TlsIdentity, TlsListener } from "../stream/tls.ts";
import type { ListenTcpOptions } from "../stream/listen_tcp.ts";
import type { Dialer } from "../stream/connection.ts";
import { platform } from "./default_platform.ts";

/**
 * Listens for TLS, with SOCKS inside. A client is accepted before its handshake, which happens with the first read.
 *
 * @throws {TypeError} The certificate or the key is invalid, or they do not belong together; or this runtime has no listening sockets.
 * @throws The error of `Deno.listen`, or of `node:net`.
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
  return platform.listenTls(options);
}

/**
 * Returns a dialer that connects over TLS, to a proxy with SOCKS inside TLS. The dialer throws {@linkcode SocksReplyError} if the proxy cannot
 * be reached, and {@linkcode SocksTlsError} `TLS_HANDSHAKE` if its certificate is not valid for its name or the handshake fails. An attempt
 * that fails or is aborted leaves no socket open.
 *
 * @throws {TypeError} A certificate or key is invalid, or this runtime has no sockets.
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
  return platform.dialTls(options);
}
