/**
 * Connections from a chosen local address, through `node:net` in every runtime: `Deno.connect` has no such option.
 *
 * @module
 */
import type { Dialer } from "../stream/connection.ts";
import { platform } from "./default_platform.ts";

/**
 * Returns a dialer that connects over TCP from the first of the addresses that has the target's family. If there is none, the system chooses
 * the address; for `0.0.0.0` and `::` it chooses too. The dialer is somewhat slower than {@linkcode dialTcp}, but its sockets can do what
 * Deno's cannot: a connection that is cut is reset, so the peer sees no regular end; and a dead peer is detected after a minute and the
 * system's keepalive probes (on Linux nine, 75 seconds apart).
 *
 * @throws {TypeError} A text is no address, or this runtime has no sockets.
 *
 * @example
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { dialFrom } from "@gssocks/gssocks/socks";
 *
 * export function start(): void {
 *   serve({ keytab: "/etc/krb5.keytab", rules: ["allow *"], dial: dialFrom(["192.0.2.7", "2001:db8::7"]) });
 * }
 * ```
 */
export function dialFrom(addresses: readonly string[]): Dialer {
  return platform.dialFrom(addresses);
}
