/**
 * TLS on TCP: dialing and listening.
 *
 * @module
 */
import type { DialTlsOptions, TlsIdentity, TlsListener } from "../stream/tls.ts";
import type { ListenTcpOptions } from "../stream/listen_tcp.ts";
import { reasonText } from "../../base/reason.ts";
import type { Connection, Dialer } from "../stream/connection.ts";
import { dialTcp, listenTcp } from "./tcp.ts";
import { acceptTls, tlsOver } from "./tls_over.ts";

/**
 * Listens for TLS, with SOCKS inside. A client is accepted before its handshake, which happens with the first read.
 *
 * @throws {TypeError} The certificate or the key is invalid, or they do not belong together.
 * @throws The error of `Deno.listen`.
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
  // `Deno.listenTls` cannot drop a client that does not finish its handshake.
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

/**
 * Returns a dialer that connects over TLS, to a proxy with SOCKS inside TLS. The dialer throws {@linkcode SocksReplyError} if the proxy cannot
 * be reached, and {@linkcode SocksTlsError} `TLS_HANDSHAKE` if its certificate is not valid for its name or the handshake fails. An attempt
 * that fails or is aborted leaves no socket open.
 *
 * @throws {TypeError} A certificate or key is invalid.
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
 * Checks a certificate and its key. Deno validates them only when it uses them, so this creates a client.
 *
 * @throws {TypeError} The certificate or the key is invalid, or they do not belong together.
 */
export function checkIdentity({ cert, key }: TlsIdentity): void {
  try {
    Deno.createHttpClient({ cert, key }).close();
  } catch (cause) {
    const reason = reasonText(cause);
    throw new TypeError(`Cannot use certificate and key for TLS: ${reason}`, { cause });
  }
}
