/**
 * A server with Kerberos.
 *
 * @module
 */
import { system } from "./default_system.ts";
import type { ServeOptions } from "./serve_options.ts";
import { serveOn, type UpdatableServer } from "./serving.ts";

/**
 * Starts a SOCKS5 server, in the manner of `Deno.serve`.
 *
 * @throws {TypeError} When no method is accepted, a rule cannot be read, a time, a limit, a NAT64 prefix or the port is invalid, an option
 * has moved into a group, this machine does not have an address of `egress`, or both `listeners` and a place to listen are given.
 * @throws {Deno.errors.AddrInUse} When the port is in use; other errors of the system as `Deno.listen` has them.
 * @throws {KerberosError} `BAD_FILE` when the keytab cannot be read, or has no key.
 *
 * @example
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 *
 * export async function main(): Promise<void> {
 *   const server = serve({ hostname: "0.0.0.0", keytab: "/etc/krb5.keytab", rules: ["allow 10.0.0.0/8"] });
 *   await server.finished;
 * }
 * ```
 */
export function serve(options: ServeOptions): UpdatableServer {
  return serveOn(system, options);
}
