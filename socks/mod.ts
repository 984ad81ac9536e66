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
export type { Bytes, ByteSource } from "../base/bytes.ts";
export { gssapiClient, type GssapiClientOptions } from "./auth/gssapi/client.ts";
export {
  gssapiServer,
  type GssapiServerOptions,
  type InsecureGssapiOptions,
  type ProtectionPolicy,
  type ProtectionRequest,
} from "./auth/gssapi/server.ts";
export {
  type AcceptAuthOptions,
  type AuthenticateOptions,
  type ClientAuthMethod,
  type SecuredChannel,
  type ServerAuthMethod,
} from "./auth/method.ts";
export { noAuthentication } from "./auth/none.ts";
export type { GssAccount } from "../gss/account.ts";
export { type Identity, type MethodName } from "./identity.ts";
export {
  fixedPasswords,
  type PasswordCheck,
  type PasswordCheckOptions,
  passwordClient,
  type PasswordCredentials,
  passwordServer,
} from "./auth/password.ts";
export { PROTECTION_LEVELS } from "./protection.ts";
export { type AcceptBindOptions, bindThrough, type BindThroughOptions, type ProxiedBind } from "./client/bind.ts";
export { type ProxiedConnection, type ThroughOptions } from "./client/request.ts";
export { resolveThrough } from "./client/resolve.ts";
export { connectThrough, type ConnectThroughOptions } from "./client/connect.ts";
export { AssociateCommand, type AssociateOptions, type AssociationCount } from "./server/commands/associate.ts";
export { bindDirectly, type BindDirectlyOptions } from "./server/targets/listen.ts";
export { type OpenBind, type PendingBind } from "./server/targets/target.ts";
export type { DatagramCounts, DroppedDatagrams } from "./server/datagrams/counts.ts";
export type { TargetRequest, ThroughProxy } from "./server/targets/target.ts";
export type { OpenedTarget, OpenTarget } from "./server/targets/target.ts";
export { resolveDirectly, type ResolveDirectlyOptions } from "./server/targets/look_up.ts";
export { type ResolveHost } from "./server/targets/target.ts";
export {
  SocksAuthError,
  type SocksAuthErrorCode,
  SocksConnectionError,
  type SocksConnectionErrorCode,
  SocksError,
  type SocksErrorCode,
  SocksLimitError,
  type SocksLimitErrorCode,
  SocksProtocolError,
  type SocksProtocolErrorCode,
  SocksProxyError,
  type SocksProxyErrorCode,
  SocksReplyError,
  type SocksReplyErrorCode,
  SocksTimeoutError,
  type SocksTimeoutErrorCode,
  SocksTlsError,
  type SocksTlsErrorCode,
} from "./errors.ts";
export type { AcceptedProtocols, OtherProtocol } from "./server/front/options.ts";
export { type Nat64Options, Nat64Prefixes } from "./names/nat64_prefixes.ts";
export { openDirectly, type OpenDirectlyOptions } from "./server/targets/direct.ts";
export { openUpstream } from "./server/targets/upstream.ts";
export {
  type ClientRule,
  ClientRuleSet,
  type ClientVerdict,
  parseClientRule,
  parseClientRuleText,
} from "./rules/client_rules.ts";
export { parseRule, parseRuleText } from "./rules/parse_rule.ts";
export { type RuleFields, ruleFromFields } from "./rules/rule_fields.ts";
export { RuleSet, type RuleSetOptions } from "./rules/rule_set.ts";
export { type Nat64Source } from "./rules/nat64.ts";
export { type Verdict } from "./rules/verdict.ts";
export {
  type CommandName,
  type DecidingRule,
  type Destination,
  type PortRange,
  type Rule,
  type RuleAction,
  type RuleQuery,
} from "./rules/rule.ts";
export { SocksServer } from "./server/server.ts";
export type { ServeConnectionOptions } from "./server/sessions.ts";
export type {
  AuthenticatedPhase,
  ConnectingPhase,
  LiveSession,
  RequestedPhase,
  SessionPhase,
  SessionStatus,
} from "./server/status.ts";
export type { ShutdownOptions, SocksServerOptions } from "./server/options.ts";
export { type SystemResolver, type SystemResolverOptions } from "./names/system_resolver.ts";
export { systemResolver, systemResolverWith, systemReverse, systemReverseWith } from "./shell/system_resolver.ts";
export type { LookUpOptions, Resolved, Resolver, ReverseResolver } from "./names/resolver.ts";
export type { ServerHealth, ServerTrouble, TroubleKind, TroubleState } from "./server/health.ts";
export { type ConnectionAddress, type MadeConnection, SocksConnection } from "./client/socks_connection.ts";
export type { Connection, Dialer, DialOptions } from "./stream/connection.ts";
export { dialTcp, listenTcp } from "./shell/tcp.ts";
export { dialTls, listenTls } from "./shell/tls.ts";
export { type DialTlsOptions } from "./stream/tls.ts";
export { dialUnix, listenUnix } from "./shell/unix.ts";
export { type ListenTcp, type ListenTcpOptions } from "./stream/listen_tcp.ts";
export { type ConnectionListener } from "./stream/listener.ts";
export { dialFrom } from "./shell/dial_from.ts";
export { proxyProtocol, type ProxyProtocolOptions } from "./stream/proxy_protocol.ts";
export type { ProtectionLevel, SealPolicy } from "./protection.ts";
export { type TlsClientOptions, type TlsConnection, type TlsIdentity } from "./stream/tls.ts";
export { tlsOver } from "./shell/tls_over.ts";
export { connectionFromWebSocket, dialWebSocket, WEB_SOCKET_PROTOCOL } from "./stream/web_socket.ts";
export { isOriginAllowed } from "./stream/origin.ts";
export { connectionFromStreams, type ConnectionStreams, streamsOfConnection } from "./stream/web_streams.ts";
export { type DuplexStreams } from "./stream/streams_connection.ts";
export { bindUpstream, datagramsUpstream, resolveUpstream } from "./server/targets/upstream.ts";
export { associateThrough, type AssociateThroughOptions } from "./client/associate.ts";
export { type ReceiveOptions, SocksDatagrams } from "./client/datagrams.ts";
export { datagramsDirectly, type DatagramsDirectlyOptions } from "./server/datagrams/direct.ts";
export {
  type DatagramEgress,
  type EgressListener,
  type OpenDatagrams,
  type SendDatagramOptions,
} from "./server/targets/target.ts";
export { bindUdp } from "./shell/udp.ts";
export { type BindDatagrams, type BindDatagramsOptions, type DatagramSocket } from "./stream/datagram_socket.ts";
export { type Endpoint, formatEndpoint, parseEndpointText } from "./wire/address.ts";
export { hostName, HostNameError, type HostNameErrorCode } from "./wire/host_name.ts";
export type { Announce } from "./server/targets/announce.ts";
export type { UnknownCommand } from "./server/front/request.ts";
export type { Limits } from "./server/limits/limits.ts";
export type { UserLedger } from "./server/limits/user_ledger.ts";
export type { RelayCounts } from "./server/relay/relay.ts";
export type { Cidr } from "./wire/cidr.ts";
export type { ServerEvent, SessionEvent } from "./server/events.ts";
export type { Timeouts } from "./server/limits/timeouts.ts";
export type { ServedCommands } from "./server/commands/commands.ts";
export type { DatagramCodec } from "./stream/datagram_codec.ts";
export type { ChannelBindings } from "../gss/channel_bindings.ts";
export type {
  AcceptOptions,
  GssAcceptorCredential,
  GssInitiatorCredential,
  InitiateOptions,
} from "../gss/credential.ts";
export type { TlsListener } from "./stream/tls.ts";
export type { GssName, GssNameType } from "../gss/names.ts";
export type { GssNegotiation, GssStep } from "../gss/negotiation.ts";
export type { GssContext, GssFlags, UnwrapOptions, UnwrappedMessage, WrapOptions } from "../gss/context.ts";
export type { SupplementaryStatus } from "../gss/status.ts";
