/**
 * Unix domain sockets: dialing and listening.
 *
 * @module
 */
import type { Dialer } from "../stream/connection.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import { platform } from "./default_platform.ts";

/**
 * Listens on a socket in the file system. It must not exist yet, and {@linkcode ConnectionListener.close} removes it. The administrator must
 * remove one that a killed process left behind. The mode of its folder decides who may connect.
 *
 * @throws {TypeError} This runtime has no listening sockets.
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
  return platform.listenUnix(path);
}

/**
 * Returns a dialer that connects to a socket in the file system and ignores its target. For Kerberos, the proxy's host name is still that of
 * the option `proxy`.
 *
 * @throws {TypeError} This runtime has no sockets.
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
  return platform.dialUnix(path);
}
