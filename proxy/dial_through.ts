/**
 * Dialers that go through a proxy.
 *
 * @module
 */
import type { Dialer } from "../socks/stream/connection.ts";
import { system } from "./default_system.ts";
import { dialThroughOn, type DialThroughOptions } from "./dialing_through.ts";

/**
 * A dialer that goes through a proxy: for chains of proxies, each with methods of its own, and for everything else that
 * takes a dialer. The signal that it is given ends the dial and the connection that comes of it.
 *
 * @throws {TypeError} When an option is not what it must be. What a dial may fail with is what `connect` says.
 *
 * @example A proxy behind another one
 * ```ts
 * import { connect, dialThrough, passwordClient } from "@gssocks/gssocks";
 *
 * export async function reach(username: string, password: string): Promise<void> {
 *   const outer = dialThrough({ proxy: "outer.example.com", auth: [passwordClient({ username, password })] });
 *   await using connection = await connect({ proxy: "inner.example.com", dial: outer, hostname: "intranet", port: 80 });
 *   await connection.write(new TextEncoder().encode("hello"));
 * }
 * ```
 */
export function dialThrough(options: DialThroughOptions): Dialer {
  return dialThroughOn(system, options);
}
