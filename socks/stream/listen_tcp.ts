/**
 * How a listener for TCP is asked for.
 *
 * @module
 */
import type { ConnectionListener } from "./listener.ts";
import type { Endpoint } from "../wire/address.ts";
import type { ProxyProtocolOptions } from "./proxy_protocol.ts";

/** Where {@linkcode listenTcp} listens. */
export interface ListenTcpOptions extends Endpoint {
  /** Whether others may listen on the same port. @default {false} */
  readonly reusePort?: boolean | undefined;
  /** Balancers that say with the PROXY protocol who their clients are, before anything else, TLS too. @default {none} */
  readonly proxyProtocol?: ProxyProtocolOptions | undefined;
}

/** Makes listeners. */
export type ListenTcp = (options: ListenTcpOptions) => ConnectionListener;
