/**
 * The library for runtimes that have neither sockets, nor files, nor an environment: edge workers and browsers. What the machine would give is
 * given by the caller: the way to the proxy and to the KDC, the configuration as text, keys and tickets as bytes.
 *
 * Nothing in here imports a module of Node or names Deno, so bundlers for any platform take it as it is.
 *
 * @example A worker of Cloudflare, whose `connect()` returns streams
 * ```ts
 * import { connect, connectionFromStreams, type Dialer, kdcThrough, ticketsFrom } from "@gssocks/gssocks/edge";
 *
 * export async function fetchPage(
 *   open: (address: { hostname: string; port: number }) => { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> },
 *   config: string,
 *   password: string,
 * ): Promise<string> {
 *   const dial: Dialer = ({ hostname, port }) => Promise.resolve(connectionFromStreams(open({ hostname, port })));
 *   const credentials = ticketsFrom({ config, transport: kdcThrough(dial), principal: "alice", password });
 *   const connection = await connect({ proxy: "proxy.example.com:1080", dial, credentials, hostname: "intranet", port: 80 });
 *   await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
 *   return await new Response(connection.readable).text();
 * }
 * ```
 *
 * @module
 */
export {
  bind,
  connect,
  dialThrough,
  type EdgeBindOptions,
  type EdgeConnectOptions,
  type EdgeDialThroughOptions,
  type EdgeProxyOptions,
  type EdgeResolveOptions,
  type EdgeServeOptions,
  resolve,
  serve,
} from "./edge_calls.ts";
export { ticketsFrom, type TicketsFromOptions } from "../kerberos/tickets_from.ts";
export { kdcThrough } from "./kdc_through.ts";
export type { UpdatableServer } from "./serving.ts";
export type { AssociationOptions, ListenerOptions, RunningServer } from "./running.ts";
export type { CallOptions, TargetOptions } from "./calls.ts";
export type { GssapiProxyOptions, MethodsProxyOptions, ProxyAddress, ProxyOptions, Without } from "./proxy_options.ts";
export type { DatagramOptions, EgressOptions, GssapiOptions, ServeOptions } from "./serve_options.ts";
export { parseKrb5Conf } from "../kerberos/config/parse.ts";
export type { KerberosConfig, RealmConfig } from "../kerberos/config/krb5_conf.ts";
export { KerberosTickets } from "../kerberos/credentials/tickets/tickets.ts";
export type { ForwardedTicketOptions, ServiceTicket, TicketSource } from "../kerberos/credentials/ticket_source.ts";
export { type KeySource, Keytab } from "../kerberos/credentials/formats/keytab.ts";
export { decodeCcache, encodeCcache } from "../kerberos/credentials/formats/ccache.ts";
export { MemoryCredentialCache } from "../kerberos/credentials/caches/memory.ts";
export { KdcError, KerberosError } from "../kerberos/errors.ts";
export type { KdcAddress, KdcTransport } from "../kerberos/reach/transport.ts";
export { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../kerberos/mech/credentials.ts";
export { type GssName, hostbasedService } from "../gss/names.ts";
export { spnegoAcceptor } from "../gss/spnego/acceptor.ts";
export { spnegoInitiator } from "../gss/spnego/initiator.ts";
export type { GssContext, GssFlags, UnwrapOptions, UnwrappedMessage, WrapOptions } from "../gss/context.ts";
export type { GssNegotiation, GssStep } from "../gss/negotiation.ts";
export { GssError, MAJOR_STATUS } from "../gss/status.ts";
export { gssapiClient } from "../socks/auth/gssapi/client.ts";
export { passwordClient, type PasswordCredentials } from "../socks/auth/password.ts";
export { noAuthentication } from "../socks/auth/none.ts";
export { connectThrough } from "../socks/client/connect.ts";
export { SocksConnection } from "../socks/client/socks_connection.ts";
export type { AcceptBindOptions, ProxiedBind } from "../socks/client/bind.ts";
export { connectionFromStreams, type ConnectionStreams, streamsOfConnection } from "../socks/stream/web_streams.ts";
export type { DuplexStreams } from "../socks/stream/streams_connection.ts";
export { connectionFromWebSocket, dialWebSocket, WEB_SOCKET_PROTOCOL } from "../socks/stream/web_socket.ts";
export type { Connection, Dialer, DialOptions } from "../socks/stream/connection.ts";
export type { LookUpOptions, Resolved, Resolver } from "../socks/names/resolver.ts";
export type { Endpoint } from "../socks/wire/address.ts";
export { SocksError, SocksReplyError } from "../socks/errors.ts";
export type { Bytes, ByteSource } from "../base/bytes.ts";
export type { Runtime } from "../base/runtime.ts";
export type { GssAccount } from "../gss/account.ts";
export type {
  AcceptOptions,
  GssAcceptorCredential,
  GssInitiatorCredential,
  InitiateOptions,
} from "../gss/credential.ts";
export type { GssNameType } from "../gss/names.ts";
export type { GssErrorCode, GssMajor, SupplementaryStatus } from "../gss/status.ts";
export type { WantedKey } from "../kerberos/ap/keys.ts";
export type { ReplayCache, ReplayEntry } from "../kerberos/ap/replay/cache.ts";
export type { Capaths } from "../kerberos/ap/transited.ts";
export type { ProfilePlace, ProfileSection, ProfileSource } from "../kerberos/config/profile.ts";
export type { Credential } from "../kerberos/credential.ts";
export type {
  CacheCollection,
  CredentialCache,
  CredentialCacheData,
  InitializeOptions,
} from "../kerberos/credentials/cache.ts";
export type { KeytabEntry } from "../kerberos/credentials/formats/keytab.ts";
export type { KeytabNews } from "../kerberos/credentials/keytabs/reloading_keytab.ts";
export type { InitialTicketOptions } from "../kerberos/credentials/tickets/tickets.ts";
export type { KerberosErrorCode } from "../kerberos/errors.ts";
export type { Principal } from "../kerberos/principal.ts";
export type { KdcCallOptions } from "../kerberos/reach/kdc_client.ts";
export type { KdcEndpoint } from "../kerberos/reach/locate.ts";
export type {
  KerberosTraceEvent,
  KerberosTracer,
  TracedRefusal,
  TracedReply,
  TracedRequest,
} from "../kerberos/reach/trace.ts";
export type { ErrorCode, KerberosErrorName } from "../kerberos/registry/errors.ts";
export type { GssapiClientOptions } from "../socks/auth/gssapi/client.ts";
export type {
  GssapiServerOptions,
  InsecureGssapiOptions,
  ProtectionPolicy,
  ProtectionRequest,
} from "../socks/auth/gssapi/server.ts";
export type {
  AcceptAuthOptions,
  AuthenticateOptions,
  ClientAuthMethod,
  SecuredChannel,
  ServerAuthMethod,
} from "../socks/auth/method.ts";
export type { PasswordCheck, PasswordCheckOptions } from "../socks/auth/password.ts";
export type { ConnectThroughOptions } from "../socks/client/connect.ts";
export type { ProxiedConnection, ThroughOptions } from "../socks/client/request.ts";
export type { ConnectionAddress } from "../socks/client/socks_connection.ts";
export type {
  SocksAuthErrorCode,
  SocksConnectionErrorCode,
  SocksErrorCode,
  SocksLimitErrorCode,
  SocksProtocolErrorCode,
  SocksProxyErrorCode,
  SocksReplyErrorCode,
  SocksTimeoutErrorCode,
  SocksTlsErrorCode,
} from "../socks/errors.ts";
export type { Identity, MethodName } from "../socks/identity.ts";
export type { ProtectionLevel, SealPolicy } from "../socks/protection.ts";
export type { ClientRule, ClientRuleSet, ClientVerdict } from "../socks/rules/client_rules.ts";
export type {
  CommandName,
  DecidingRule,
  Destination,
  PortRange,
  Rule,
  RuleAction,
  RuleQuery,
} from "../socks/rules/rule.ts";
export type { ServerHealth, ServerTrouble, TroubleKind, TroubleState } from "../socks/server/health.ts";
export type { UserLedger } from "../socks/server/limits/user_ledger.ts";
export type { ShutdownOptions, SocksServerOptions } from "../socks/server/options.ts";
export type {
  AuthenticatedPhase,
  ConnectingPhase,
  LiveSession,
  RequestedPhase,
  SessionPhase,
  SessionStatus,
} from "../socks/server/status.ts";
export type { ChannelBindings } from "../gss/channel_bindings.ts";
export type { MechanismErrorCode, SpnegoErrorCode } from "../gss/error_codes.ts";
export type { KerberosKey } from "../kerberos/crypto/key.ts";
export type { AuthorizationDataElement, HostAddress } from "../kerberos/messages/basic.ts";
export type { ConnectionListener } from "../socks/stream/listener.ts";
export type { TlsIdentity } from "../socks/stream/tls.ts";
export type { Cidr } from "../socks/wire/cidr.ts";
export type { ServedCommands } from "../socks/server/commands/commands.ts";
export type { ServerEvent, SessionEvent } from "../socks/server/events.ts";
export type { AcceptedProtocols, OtherProtocol } from "../socks/server/front/options.ts";
export type { Limits } from "../socks/server/limits/limits.ts";
export type { Timeouts } from "../socks/server/limits/timeouts.ts";
export type { RelayCounts } from "../socks/server/relay/relay.ts";
export type { DatagramCodec } from "../socks/stream/datagram_codec.ts";
export type { AssociateCommand } from "../socks/server/commands/associate.ts";
export type {
  OpenBind,
  OpenedTarget,
  OpenTarget,
  PendingBind,
  ResolveHost,
  TargetRequest,
  ThroughProxy,
} from "../socks/server/targets/target.ts";
export type { DatagramCounts, DroppedDatagrams } from "../socks/server/datagrams/counts.ts";
export type { UnknownCommand } from "../socks/server/front/request.ts";
