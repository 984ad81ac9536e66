/**
 * The interface for opening TCP listeners.
 *
 * @module
 */
import type { ConnectionListener } from "./listener.ts";
import type { Endpoint } from "../wire/address.ts";
import type { ProxyProtocolOptions } from "./proxy_protocol.ts";

/** Options of {@linkcode ListenTcp}. */
export interface ListenTcpOptions extends Endpoint {
  /** Whether other sockets may listen on the same port. @default {false} */
  readonly reusePort?: boolean | undefined;
  /** Balancers that send the PROXY protocol, in front of everything else, TLS too. @default {none} */
  readonly proxyProtocol?: ProxyProtocolOptions | undefined;
}

/** Opens TCP listeners. */
export type ListenTcp = (options: ListenTcpOptions) => ConnectionListener;
