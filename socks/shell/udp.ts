/**
 * UDP sockets of the system.
 *
 * @module
 */
import type { BindDatagrams } from "../stream/datagram_socket.ts";
import { platform } from "./default_platform.ts";

/**
 * Binds a UDP socket of the system. `Deno.listenDatagram` needs the flag `--unstable-net` and takes a third of the time of `node:dgram`, which
 * needs no flag and is used otherwise.
 *
 * @throws {SocksReplyError} The socket cannot be bound, or this runtime has none.
 *
 * @example
 * ```ts
 * import { bindUdp } from "@gssocks/gssocks/socks";
 *
 * const socket = await bindUdp({ hostname: "127.0.0.1", port: 0, onDatagram() {} });
 * if (socket.local.port === 0) throw new Error("no port");
 * socket.close();
 * ```
 */
export const bindUdp: BindDatagrams = platform.bindDatagrams;
