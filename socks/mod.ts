/**
 * SOCKS version 5 (RFC 1928) on both sides, with username and password (RFC 1929) and GSS-API (RFC 1961) over any
 * mechanism. This layer knows no Kerberos; `@gssocks/gssocks` puts the two together.
 *
 * @example A server and a client over a pair of streams, without a socket
 * ```ts
 * import { connectionFromStreams, connectThrough, noAuthentication, SocksServer } from "@gssocks/gssocks/socks";
 *
 * const up = new TransformStream<Uint8Array, Uint8Array>();
 * const down = new TransformStream<Uint8Array, Uint8Array>();
 * const echo = new TransformStream<Uint8Array, Uint8Array>();
 * await using server = new SocksServer({
 *   auth: [noAuthentication()],
 *   open: () => Promise.resolve({ connection: connectionFromStreams(echo), bound: { hostname: "192.0.2.1", port: 1 } }),
 * });
 * const served = server.serve(connectionFromStreams({ readable: up.readable, writable: down.writable }));
 * const { connection } = await connectThrough({
 *   target: { hostname: "echo.example.com", port: 7 },
 *   proxy: { hostname: "proxy.example.com", port: 1080 },
 *   auth: [noAuthentication()],
 *   dial: () => Promise.resolve(connectionFromStreams({ readable: down.readable, writable: up.writable })),
 * });
 * await connection.write(new TextEncoder().encode("hello"));
 * const answer = await connection.read();
 * if (answer === null || new TextDecoder().decode(answer) !== "hello") throw new Error("not the same");
 * connection.close();
 * await served;
 * ```
 *
 * @module
 */
export {
  gssapiClient,
  type GssapiClientOptions,
  gssapiServer,
  type GssapiServerOptions,
  type ProtectionPolicy,
  type ProtectionRequest,
} from "./auth/gssapi.ts";
export {
  type AcceptAuthOptions,
  type AuthenticateOptions,
  type ClientAuthMethod,
  type Identity,
  type MethodName,
  noAuthentication,
  type SecuredChannel,
  type ServerAuthMethod,
} from "./auth/method.ts";
export {
  fixedPasswords,
  type PasswordCheck,
  passwordClient,
  type PasswordCredentials,
  passwordServer,
} from "./auth/password.ts";
export { PROTECTION_LEVELS } from "./auth/protection.ts";
export { connectThrough, type ConnectThroughOptions, type ProxiedConnection } from "./client.ts";
export {
  SocksAuthError,
  type SocksAuthErrorCode,
  SocksError,
  type SocksErrorCode,
  SocksProtocolError,
  type SocksProtocolErrorCode,
  SocksReplyError,
  type SocksReplyErrorCode,
  SocksTimeoutError,
  type SocksTimeoutErrorCode,
} from "./errors.ts";
export { openDirectly, type OpenDirectlyOptions, openThrough } from "./open_target.ts";
export {
  type Destination,
  parseRule,
  type Rule,
  type RuleAction,
  type RuleQuery,
  RuleSet,
  type Verdict,
} from "./rules/rules.ts";
export type { Cidr } from "./rules/special_ranges.ts";
export { type ServerEvent, type ShutdownOptions, SocksServer, type SocksServerOptions } from "./server.ts";
export type { OpenedTarget, OpenTarget, SessionEvent, TargetRequest } from "./session.ts";
export { SocksConnection } from "./socks_connection.ts";
export type { Connection, Dialer, DialOptions } from "./stream/connection.ts";
export {
  type ConnectionListener,
  dialTcp,
  listenTcp,
  type ListenTcpOptions,
  type Resolver,
  systemResolver,
} from "./stream/deno.ts";
export type { DatagramCodec, ProtectionLevel, SealPolicy } from "./stream/protected.ts";
export { connectionFromStreams, type DuplexStreams, streamsOfConnection } from "./stream/web_streams.ts";
export { type Endpoint, formatEndpoint, parseEndpointText } from "./wire/address.ts";
