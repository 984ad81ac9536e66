/**
 * Unix domain sockets through Deno: dialing and listening.
 *
 * @module
 */
import { abortable } from "../../base/deadline.ts";
import type { Dialer } from "../stream/connection.ts";
import { dialError } from "../stream/dial_error.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import { DenoConnection } from "./deno_connection.ts";
import { listenerOf, listenNaming } from "./deno_listener.ts";

/**
 * Listens on a socket in the file system. It must not exist yet, and {@linkcode ConnectionListener.close} removes it. The administrator must
 * remove one that a killed process left behind. The mode of its folder decides who may connect.
 *
 * @example
 * ```ts
 * import { listenUnix, type RunningServer, serve } from "@gssocks/gssocks";
 *
 * export function main(): RunningServer {
 *   const listeners = [listenUnix("/run/gssocks/proxy.sock")];
 *   return serve({ listeners, keytab: "/etc/krb5.keytab", rules: ["allow 10.0.0.0/8"] });
 * }
 * ```
 */
export function listenUnix(path: string): ConnectionListener {
  const listener = listenNaming(`Cannot listen at ${path}`, () => Deno.listen({ transport: "unix", path }));
  return listenerOf(listener, { hostname: path, port: 0 });
}

/**
 * Returns a dialer that connects to a socket in the file system and ignores its target. For Kerberos, the proxy's host name is still that of
 * the option `proxy`.
 *
 * @example
 * ```ts
 * import { connect, dialUnix, type SocksConnection } from "@gssocks/gssocks";
 *
 * export async function reach(hostname: string, port: number): Promise<SocksConnection> {
 *   const dial = dialUnix("/run/gssocks/proxy.sock");
 *   return await connect({ proxy: "proxy.example.com", dial, hostname, port });
 * }
 * ```
 */
export function dialUnix(path: string): Dialer {
  return async (_target, { signal }) => {
    const opening = Deno.connect({ transport: "unix", path });
    try {
      return new DenoConnection(await abortable(opening, signal));
    } catch (error) {
      opening.then((conn) => conn.close(), () => {}); // Comes too late.
      signal?.throwIfAborted();
      throw dialError({ hostname: path, port: 0 }, error);
    }
  };
}
