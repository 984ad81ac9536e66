/**
 * TCP through Deno: dialing and listening. Deno's errors of a dial become {@linkcode SocksReplyError}.
 *
 * @module
 */
import { isLocalhost } from "../wire/host_name.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import type { Connection, Dialer, DialOptions } from "../stream/connection.ts";
import { dialError } from "../stream/dial_error.ts";
import type { ListenTcp, ListenTcpOptions } from "../stream/listen_tcp.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import { listenAtLocalhost } from "../stream/localhost.ts";
import { balancers, proxyProtocol } from "../stream/proxy_protocol.ts";
import { DenoConnection } from "./deno_connection.ts";
import { listenerOf, listenNaming } from "./deno_listener.ts";

/**
 * Connects over TCP.
 *
 * @example
 * ```ts
 * import { dialTcp } from "@gssocks/gssocks/socks";
 *
 * export async function greet(): Promise<void> {
 *   await using connection = await dialTcp({ hostname: "intranet", port: 7 }, {});
 *   await connection.write(new TextEncoder().encode("hello"));
 * }
 * ```
 */
export const dialTcp: Dialer = async (target: Endpoint, options: DialOptions): Promise<Connection> => {
  const { signal } = options;
  try {
    const { hostname, port } = target;
    return new DenoConnection(await Deno.connect({ hostname, port, ...(signal === undefined ? {} : { signal }) }));
  } catch (error) {
    signal?.throwIfAborted();
    throw dialError(target, error);
  }
};

/**
 * Listens on TCP. `localhost` stands for both loopback addresses, as far as the machine has them and the program has the permission.
 *
 * @throws The error of `Deno.listen`; the message starts with the address.
 *
 * @example
 * ```ts
 * import { listenTcp } from "@gssocks/gssocks/socks";
 *
 * const listener = listenTcp({ hostname: "127.0.0.1", port: 0 });
 * if (listener.addr.port === 0) throw new Error("no port");
 * listener.close();
 * ```
 */
export const listenTcp: ListenTcp = (options: ListenTcpOptions): ConnectionListener => {
  const { hostname, port, reusePort = false, proxyProtocol: balancing } = options;
  if (balancing !== undefined) balancers(balancing.from);
  if (isLocalhost(hostname.toLowerCase()) && mayListen("127.0.0.1", port)) {
    return listenAtLocalhost(port, (where) => {
      // Without the permission for IPv6, IPv4 alone will do; the user gets no prompt.
      if (where.hostname === "::1" && !mayListen("[::1]", where.port)) throw NO_ADDRESS;
      return listenTcp({ ...options, ...where });
    });
  }
  // The stable types do not have `reusePort`, and users may compile this file with the stable types only.
  const where: Deno.TcpListenOptions & { readonly reusePort: boolean } = { hostname, port, reusePort };
  const listener = listenNaming(`Cannot listen on ${formatEndpoint(options)}`, () => Deno.listen(where));
  const direct = listenerOf(listener, { hostname: listener.addr.hostname, port: listener.addr.port });
  return balancing === undefined ? direct : proxyProtocol(direct, balancing);
};

/** The system's error for an address that the machine does not have. */
const NO_ADDRESS: Error = Object.assign(new Error("Address is not available"), { code: "EADDRNOTAVAIL" });

function mayListen(host: string, port: number): boolean {
  return Deno.permissions.querySync({ name: "net", host: `${host}:${port}` }).state === "granted";
}
