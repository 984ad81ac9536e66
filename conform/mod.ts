/**
 * A conformance kit for SOCKS version 5 with GSS-API: checks of RFC 1928, 1929 and 1961, for any proxy and any client.
 *
 * @example
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { checkProxy, summaryText } from "@gssocks/gssocks/conform";
 *
 * await using server = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
 * const proxy = { hostname: "127.0.0.1", port: server.addr.port };
 * const report = await checkProxy({ proxy, only: ["hello"] });
 * if (report.verdict !== "ok") throw new Error(summaryText(report));
 * ```
 *
 * @module
 */
export type { CheckResult, Outcome, Severity } from "./check.ts";
export { checkClient, type CheckClientOptions, type ClientStart } from "./check_client.ts";
export type { ClientEnd, RunningClient } from "./client/stage.ts";
export { checkProxy, type CheckProxyOptions, type ConformanceOptions } from "./check_proxy.ts";
export type { Login } from "./bench.ts";
export { jsonOf, type Report, resultText, summaryText, tapOf } from "./report.ts";
export type { TargetOptions } from "./target.ts";
export type { World } from "./world.ts";
export type { Bytes } from "../base/bytes.ts";
export type { GssAccount } from "../gss/account.ts";
export type { ChannelBindings } from "../gss/channel_bindings.ts";
export type {
  AcceptOptions,
  GssAcceptorCredential,
  GssInitiatorCredential,
  InitiateOptions,
} from "../gss/credential.ts";
export type { GssContext, GssFlags, UnwrapOptions, UnwrappedMessage, WrapOptions } from "../gss/context.ts";
export type { GssNegotiation, GssStep } from "../gss/negotiation.ts";
export type { GssName, GssNameType } from "../gss/names.ts";
export type { SupplementaryStatus } from "../gss/status.ts";
export type { Connection, Dialer, DialOptions } from "../socks/stream/connection.ts";
export type { BindDatagrams, BindDatagramsOptions, DatagramSocket } from "../socks/stream/datagram_socket.ts";
export type { ListenTcp, ListenTcpOptions } from "../socks/stream/listen_tcp.ts";
export type { ConnectionListener } from "../socks/stream/listener.ts";
export type { ProxyProtocolOptions } from "../socks/stream/proxy_protocol.ts";
export type { Endpoint } from "../socks/wire/address.ts";
