/**
 * SOCKS5 with Kerberos (RFC 1928, 1929, 1961): a client, a server, and a bridge that lets programs without Kerberos use
 * a Kerberos proxy.
 *
 * @example All three, with an embedded KDC
 * ```ts
 * import { connect, serve, systemTickets } from "@gssocks/gssocks";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * await using origin = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("hello"));
 * await using server = serve({ port: 0, keytab: kdc.keytab("rcmd/localhost"), rules: ["allow localhost"] });
 *
 * await using connection = await connect({
 *   proxy: { hostname: "localhost", port: server.addr.port },
 *   hostname: "127.0.0.1",
 *   port: origin.addr.port,
 *   credentials: systemTickets({ config: kdc.config, principal: "alice", password: "secret" }),
 * });
 * await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
 * const answer = await new Response(connection.readable).text();
 * if (!answer.endsWith("hello")) throw new Error(answer);
 * ```
 *
 * @module
 */
export type { Bytes, ByteSource } from "./gss/bytes.ts";
export { type GssName, hostbasedService } from "./gss/names.ts";
export { GssError } from "./gss/status.ts";
export { KdcError, KerberosError } from "./kerberos/errors.ts";
export { systemTickets, type SystemTicketsOptions } from "./kerberos/system_tickets.ts";
export { bridge, type BridgeOptions } from "./proxy/bridge.ts";
export {
  associate,
  bind,
  type BindOptions,
  connect,
  type ConnectOptions,
  connectTls,
  type ConnectTlsOptions,
  type RequestOptions,
  resolve,
  type ResolveOptions,
} from "./proxy/connect.ts";
export { kdcThrough } from "./proxy/kdc_transport.ts";
export { dialThrough, type ProxyOptions } from "./proxy/proxy_options.ts";
export type { DatagramOptions, ListenerOptions, RunningServer } from "./proxy/running.ts";
export { serve, type ServeOptions, type UpdatableServer } from "./proxy/serve.ts";
export { noAuthentication } from "./socks/auth/method.ts";
export { fixedPasswords, type PasswordCheck, passwordClient } from "./socks/auth/password.ts";
export type { ProxiedBind } from "./socks/bind_through.ts";
export {
  SocksAuthError,
  SocksConnectionError,
  SocksError,
  SocksLimitError,
  SocksProtocolError,
  SocksProxyError,
  SocksReplyError,
  SocksTimeoutError,
  SocksTlsError,
} from "./socks/errors.ts";
export type { LiveSession, ServerEvent, ShutdownOptions } from "./socks/server.ts";
export { type ConnectionAddress, SocksConnection } from "./socks/socks_connection.ts";
export { dialTls, type DialTlsOptions, dialUnix, listenTls, listenUnix } from "./socks/stream/deno.ts";
export type { TlsIdentity } from "./socks/stream/tls.ts";
export type { ProtectionLevel } from "./socks/stream/protected.ts";
export { connectionFromWebSocket, dialWebSocket, WEB_SOCKET_PROTOCOL } from "./socks/stream/web_socket.ts";
export { SocksDatagrams } from "./socks/udp/client.ts";
export type { Endpoint } from "./socks/wire/address.ts";
export { HostNameError, type HostNameErrorCode } from "./socks/wire/host_name.ts";
