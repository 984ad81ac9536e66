/**
 * Connections through a proxy for libraries that are written for Node's sockets: database drivers, HTTP clients.
 *
 * @example PostgreSQL (npm:pg)
 * ```ts
 * import { connect } from "@gssocks/gssocks";
 * import { nodeSocket } from "@gssocks/gssocks/node";
 *
 * // new Client({ user: "alice", database: "shop", stream })
 * export const stream = (): ReturnType<typeof nodeSocket> =>
 *   nodeSocket(connect({ proxy: "proxy.example.com", hostname: "db.intranet", port: 5432 }));
 * ```
 *
 * @module
 */
export { nodeSocket } from "./shell/node_socket.ts";
export {
  type ConnectorCallback,
  type NodeAgents,
  nodeAgents,
  type UndiciConnector,
  undiciConnector,
} from "./shell/node_agents.ts";
export type { CallOptions, RequestOptions } from "./calls.ts";
export type { ConnectionAddress, SocksConnection } from "../socks/client/socks_connection.ts";
export type { Bytes, ByteSource } from "../base/bytes.ts";
export type { Endpoint } from "../socks/wire/address.ts";
export type { Identity, MethodName } from "../socks/identity.ts";
export type { ProtectionLevel } from "../socks/protection.ts";
export type { GssapiProxyOptions, MethodsProxyOptions, ProxyAddress, ProxyOptions, Without } from "./proxy_options.ts";
export type { AuthenticateOptions, ClientAuthMethod, SecuredChannel } from "../socks/auth/method.ts";
export type { Connection, Dialer, DialOptions } from "../socks/stream/connection.ts";
export type { ForwardedTicketOptions, ServiceTicket, TicketSource } from "../kerberos/credentials/ticket_source.ts";
export type { Principal } from "../kerberos/principal.ts";
export type { Credential } from "../kerberos/credential.ts";
export type { DatagramCodec } from "../socks/stream/datagram_codec.ts";
export type { AuthorizationDataElement, HostAddress } from "../kerberos/messages/basic.ts";
export type { KerberosKey } from "../kerberos/crypto/key.ts";
export type { Runtime } from "../base/runtime.ts";
export type { GssAccount } from "../gss/account.ts";
