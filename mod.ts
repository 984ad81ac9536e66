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
export type { Bytes, ByteSource } from "./base/bytes.ts";
export type { GssAccount } from "./gss/account.ts";
export type { ChannelBindings } from "./gss/channel_bindings.ts";
export type { AcceptOptions, GssAcceptorCredential } from "./gss/credential.ts";
export type { GssContext, GssFlags, UnwrapOptions, UnwrappedMessage, WrapOptions } from "./gss/context.ts";
export type { GssNegotiation, GssStep } from "./gss/negotiation.ts";
export { type GssName, type GssNameType, hostbasedService } from "./gss/names.ts";
export type { Runtime } from "./base/runtime.ts";
export type { MechanismErrorCode, SpnegoErrorCode } from "./gss/error_codes.ts";
export { GssError, type GssErrorCode, type GssMajor, MAJOR_STATUS, type SupplementaryStatus } from "./gss/status.ts";
export type { KdcAddress, KdcTransport } from "./kerberos/reach/transport.ts";
export type {
  KerberosTraceEvent,
  KerberosTracer,
  TracedRefusal,
  TracedReply,
  TracedRequest,
} from "./kerberos/reach/trace.ts";
export type { KdcCallOptions } from "./kerberos/reach/kdc_client.ts";
export type { KdcEndpoint } from "./kerberos/reach/locate.ts";
export type { InitialTicketOptions, KerberosTickets } from "./kerberos/credentials/tickets/tickets.ts";
export type { ForwardedTicketOptions, ServiceTicket, TicketSource } from "./kerberos/credentials/ticket_source.ts";
export type { KerberosConfig, RealmConfig } from "./kerberos/config/krb5_conf.ts";
export type { ProfilePlace, ProfileSection } from "./kerberos/config/profile.ts";
export { ErrorCode, type KerberosErrorName } from "./kerberos/registry/errors.ts";
export type { KerberosKey } from "./kerberos/crypto/key.ts";
export { KdcError, KerberosError, type KerberosErrorCode } from "./kerberos/errors.ts";
export type { ReplayCache, ReplayEntry } from "./kerberos/ap/replay/cache.ts";
export type { Capaths } from "./kerberos/ap/transited.ts";
export type { AuthorizationDataElement, HostAddress } from "./kerberos/messages/basic.ts";
export type { Principal } from "./kerberos/principal.ts";
export type { CacheCollection, CredentialCache, InitializeOptions } from "./kerberos/credentials/cache.ts";
export type { CredentialCacheData } from "./kerberos/credentials/cache.ts";
export type { Credential } from "./kerberos/credential.ts";
export type { WantedKey } from "./kerberos/ap/keys.ts";
export type { KeySource, Keytab, KeytabEntry } from "./kerberos/credentials/formats/keytab.ts";
export type { KeytabNews } from "./kerberos/credentials/keytabs/reloading_keytab.ts";
export {
  type CachedTicketsOptions,
  type KeytabTicketsOptions,
  type PasswordTicketsOptions,
  type SystemParts,
  systemTickets,
  type SystemTicketsOptions,
} from "./kerberos/system.ts";
export { bridge, type BridgeOptions, type ForwardedPorts } from "./proxy/bridge.ts";
export type { ForwardOptions } from "./proxy/forwards.ts";
export { associate, bind, connect, connectTls, resolve } from "./proxy/connect.ts";
export type {
  BindOptions,
  CallOptions,
  ConnectOptions,
  ConnectTlsOptions,
  RequestOptions,
  ResolveOptions,
  TargetOptions,
  TargetTlsOptions,
} from "./proxy/calls.ts";
export { kdcThrough } from "./proxy/kdc_through.ts";
export { dialThrough } from "./proxy/dial_through.ts";
export type { DialThroughOptions } from "./proxy/dialing_through.ts";
export type {
  GssapiProxyOptions,
  MethodsProxyOptions,
  ProxyAddress,
  ProxyOptions,
  Without,
} from "./proxy/proxy_options.ts";
export type { AssociationOptions, ListenerOptions, RunningServer } from "./proxy/running.ts";
export { serve } from "./proxy/serve.ts";
export type { UpdatableServer } from "./proxy/serving.ts";
export type { DatagramOptions, EgressOptions, GssapiOptions, ServeOptions } from "./proxy/serve_options.ts";
export type {
  GssapiServerOptions,
  InsecureGssapiOptions,
  ProtectionPolicy,
  ProtectionRequest,
} from "./socks/auth/gssapi/server.ts";
export {
  type AcceptAuthOptions,
  type AuthenticateOptions,
  type ClientAuthMethod,
  type SecuredChannel,
  type ServerAuthMethod,
} from "./socks/auth/method.ts";
export { noAuthentication } from "./socks/auth/none.ts";
export { type Identity, type MethodName } from "./socks/identity.ts";
export {
  fixedPasswords,
  type PasswordCheck,
  type PasswordCheckOptions,
  passwordClient,
  type PasswordCredentials,
} from "./socks/auth/password.ts";
export type { AcceptBindOptions, ProxiedBind } from "./socks/client/bind.ts";
export type { AssociateCommand } from "./socks/server/commands/associate.ts";
export type { OpenBind, PendingBind } from "./socks/server/targets/target.ts";
export type { DatagramCounts, DroppedDatagrams } from "./socks/server/datagrams/counts.ts";
export type { UnknownCommand } from "./socks/server/front/request.ts";
export type { TargetRequest, ThroughProxy } from "./socks/server/targets/target.ts";
export type { OpenedTarget, OpenTarget } from "./socks/server/targets/target.ts";
export type { ResolveHost } from "./socks/server/targets/target.ts";
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
} from "./socks/errors.ts";
export type { AcceptedProtocols, OtherProtocol } from "./socks/server/front/options.ts";
export type { ServerHealth, ServerTrouble, TroubleKind, TroubleState } from "./socks/server/health.ts";
export type { Limits } from "./socks/server/limits/limits.ts";
export type { UserLedger } from "./socks/server/limits/user_ledger.ts";
export type { RelayCounts } from "./socks/server/relay/relay.ts";
export type { ClientRule, ClientRuleSet, ClientVerdict } from "./socks/rules/client_rules.ts";
export type {
  CommandName,
  DecidingRule,
  Destination,
  PortRange,
  Rule,
  RuleAction,
  RuleQuery,
} from "./socks/rules/rule.ts";
export type { Cidr } from "./socks/wire/cidr.ts";
export type { LookUpOptions, Resolved, Resolver } from "./socks/names/resolver.ts";
export type { SystemResolver, SystemResolverOptions } from "./socks/names/system_resolver.ts";
export { systemResolver, systemResolverWith } from "./socks/shell/system_resolver.ts";
export type {
  AuthenticatedPhase,
  ConnectingPhase,
  LiveSession,
  RequestedPhase,
  SessionPhase,
  SessionStatus,
} from "./socks/server/status.ts";
export type { ServerEvent } from "./socks/server/events.ts";
export type { ShutdownOptions, SocksServerOptions } from "./socks/server/options.ts";
export type { Timeouts } from "./socks/server/limits/timeouts.ts";
export type { ServedCommands } from "./socks/server/commands/commands.ts";
export type { SessionEvent } from "./socks/server/events.ts";
export { type ConnectionAddress, SocksConnection } from "./socks/client/socks_connection.ts";
export type { Connection, Dialer, DialOptions } from "./socks/stream/connection.ts";
export { dialTls, listenTls } from "./socks/shell/tls.ts";
export { type DialTlsOptions } from "./socks/stream/tls.ts";
export { type TlsListener } from "./socks/stream/tls.ts";
export { dialUnix, listenUnix } from "./socks/shell/unix.ts";
export { type ListenTcpOptions } from "./socks/stream/listen_tcp.ts";
export { type ConnectionListener } from "./socks/stream/listener.ts";
export { proxyProtocol, type ProxyProtocolOptions } from "./socks/stream/proxy_protocol.ts";
export type { ProtectionLevel, SealPolicy } from "./socks/protection.ts";
export type { DatagramCodec } from "./socks/stream/datagram_codec.ts";
export type { TlsIdentity } from "./socks/stream/tls.ts";
export { connectionFromWebSocket, dialWebSocket, WEB_SOCKET_PROTOCOL } from "./socks/stream/web_socket.ts";
export { type ReceiveOptions, SocksDatagrams } from "./socks/client/datagrams.ts";
export type { Endpoint } from "./socks/wire/address.ts";
export { HostNameError, type HostNameErrorCode } from "./socks/wire/host_name.ts";
