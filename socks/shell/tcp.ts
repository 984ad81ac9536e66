/**
 * TCP: dialing and listening.
 *
 * @module
 */
import type { Dialer } from "../stream/connection.ts";
import type { ListenTcp } from "../stream/listen_tcp.ts";
import { platform } from "./default_platform.ts";

/**
 * Connects over TCP. Errors of the system become {@linkcode SocksReplyError}.
 *
 * @throws {TypeError} This runtime has no sockets.
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
export const dialTcp: Dialer = platform.dial;

/**
 * Listens on TCP. `localhost` stands for both loopback addresses, as far as the machine has them and the program has the permission.
 *
 * @throws The error of `Deno.listen`, or of `node:net`; the message starts with the address.
 * @throws {TypeError} This runtime has no listening sockets.
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
export const listenTcp: ListenTcp = platform.listen;
