/**
 * Connections and listeners on sockets in the file system.
 *
 * @module
 */
import { accepting, named } from "./deno_listener.ts";
import { DenoConnection } from "./deno_connection.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import { abortable } from "../../base/deadline.ts";
import type { Dialer } from "../stream/connection.ts";
import { dialError } from "../stream/dial_error.ts";

/**
 * Listens on a socket in the file system, which must not be there yet, and is taken away by {@linkcode ConnectionListener.close}; one that a
 * process left behind that was killed is the administrator's to remove. Who may connect is what its folder's mode says.
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
  const listener = named(
    `Cannot listen at ${path}`,
    () => Deno.listen({ transport: "unix", path }),
  );
  return accepting(listener, { hostname: path, port: 0 });
}

/**
 * Connects to a socket in the file system, whatever the target given is. The proxy's host name for Kerberos is still that of the
 * proxy given.
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
