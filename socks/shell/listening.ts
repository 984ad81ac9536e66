/**
 * Listening on TCP, on any platform: both addresses of `localhost`, and balancers in front.
 *
 * @module
 */
import { isLocalhost } from "../wire/host_name.ts";
import { formatEndpoint } from "../wire/address.ts";
import type { ListenTcp, ListenTcpOptions } from "../stream/listen_tcp.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import { listenAtLocalhost } from "../stream/localhost.ts";
import { balancers, proxyProtocol } from "../stream/proxy_protocol.ts";
import { listenNaming } from "./listen_naming.ts";

/** Listening at one address of a platform. */
interface TcpListening {
  /** Listens. */
  listen(options: ListenTcpOptions): ConnectionListener;
  /** Whether the program has the permission to listen at a host, with brackets for IPv6; it is not prompted. */
  mayListen(host: string, port: number): boolean;
}

/** Returns the function that listens on TCP. */
export function listeningOn({ listen, mayListen }: TcpListening): ListenTcp {
  const listenTcp = (options: ListenTcpOptions): ConnectionListener => {
    const { hostname, port, proxyProtocol: balancing } = options;
    if (balancing !== undefined) balancers(balancing.from);
    if (isLocalhost(hostname.toLowerCase()) && mayListen("127.0.0.1", port)) {
      return listenAtLocalhost(port, (where) => {
        // Without the permission for IPv6, IPv4 alone will do; the user gets no prompt.
        if (where.hostname === "::1" && !mayListen("[::1]", where.port)) throw NO_ADDRESS;
        return listenTcp({ ...options, ...where });
      });
    }
    const direct = listenNaming(`Cannot listen on ${formatEndpoint(options)}`, () => listen(options));
    return balancing === undefined ? direct : proxyProtocol(direct, balancing);
  };
  return listenTcp;
}

/** The system's error for an address that the machine does not have. */
const NO_ADDRESS: Error = Object.assign(new Error("Address is not available"), { code: "EADDRNOTAVAIL" });
