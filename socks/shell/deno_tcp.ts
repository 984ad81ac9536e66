/**
 * TCP through Deno: dialing and listening.
 *
 * @module
 */
import type { Endpoint } from "../wire/address.ts";
import type { Connection, Dialer, DialOptions } from "../stream/connection.ts";
import { dialError } from "../stream/dial_error.ts";
import type { ListenTcp } from "../stream/listen_tcp.ts";
import { DenoConnection } from "./deno_connection.ts";
import { listenerOf } from "./deno_listener.ts";
import { listeningOn } from "./listening.ts";

/** Connects over TCP. Deno's errors become {@linkcode SocksReplyError}. */
export const denoDial: Dialer = async (target: Endpoint, options: DialOptions): Promise<Connection> => {
  const { signal } = options;
  try {
    const { hostname, port } = target;
    return new DenoConnection(await Deno.connect({ hostname, port, ...(signal === undefined ? {} : { signal }) }));
  } catch (error) {
    signal?.throwIfAborted();
    throw dialError(target, error);
  }
};

/** Listens on TCP. */
export const denoListen: ListenTcp = listeningOn({
  listen({ hostname, port, reusePort = false }) {
    // The stable types do not have `reusePort`, and users may compile this file with the stable types only.
    const where: Deno.TcpListenOptions & { readonly reusePort: boolean } = { hostname, port, reusePort };
    const listener = Deno.listen(where);
    return listenerOf(listener, { hostname: listener.addr.hostname, port: listener.addr.port });
  },
  mayListen: (host, port) => Deno.permissions.querySync({ name: "net", host: `${host}:${port}` }).state === "granted",
});
