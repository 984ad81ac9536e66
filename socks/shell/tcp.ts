/**
 * Connections over Deno's sockets: the only file of the SOCKS tree that opens one. Deno's errors become ours here.
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
import { accepting, named } from "./deno_listener.ts";

/** Connects over TCP. */
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
 * Listens on TCP: at `localhost` at both of its addresses, where the machine has them and the program may.
 *
 * @throws As `Deno.listen` does, with what it is about in front.
 */
export const listenTcp: ListenTcp = (options: ListenTcpOptions): ConnectionListener => {
  const { hostname, port, reusePort = false, proxyProtocol: balanced } = options;
  if (balanced !== undefined) balancers(balanced.from);
  if (isLocalhost(hostname.toLowerCase()) && mayListen("127.0.0.1", port)) {
    return listenAtLocalhost(port, (where) => {
      // Nobody is asked for a permission that is not needed.
      if (where.hostname === "::1" && !mayListen("[::1]", where.port)) throw NO_ADDRESS;
      return listenTcp({ ...options, ...where });
    });
  }
  // The option is in no stable types, and whoever has a copy of this file may compile it with these alone.
  const where: Deno.TcpListenOptions & { readonly reusePort: boolean } = { hostname, port, reusePort };
  const listener = named(`Cannot listen on ${formatEndpoint(options)}`, () => Deno.listen(where));
  const straight = accepting(listener, { hostname: listener.addr.hostname, port: listener.addr.port });
  return balanced === undefined ? straight : proxyProtocol(straight, balanced);
};

/** What the system says of an address that the machine has not. */
const NO_ADDRESS: Error = Object.assign(new Error("Address is not to be had"), { code: "EADDRNOTAVAIL" });

function mayListen(host: string, port: number): boolean {
  return Deno.permissions.querySync({ name: "net", host: `${host}:${port}` }).state === "granted";
}
