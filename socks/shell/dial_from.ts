/**
 * Connections from a chosen local address, through `node:net`. `Deno.connect` has no such option.
 *
 * @module
 */
import type { Socket } from "node:net";
import { abortable } from "../../base/deadline.ts";
import type { Connection, Dialer } from "../stream/connection.ts";
import { dialError } from "../stream/dial_error.ts";
import { checkAddress } from "../stream/own_addresses.ts";
import { addressFor } from "../wire/networks.ts";
import { DuplexConnection } from "./duplex.ts";
import { dialTcp } from "./tcp.ts";

/** Milliseconds without data after which keepalive probes start. */
const KEEP_ALIVE = 60_000;

/**
 * Returns a dialer that connects over TCP from the first of the addresses that has the target's family. If there is none, the system chooses
 * the address; for `0.0.0.0` and `::` it chooses too. The dialer is somewhat slower than {@linkcode dialTcp}, but its sockets can do what
 * Deno's cannot: a connection that is cut is reset, so the peer sees no regular end; and a dead peer is detected after a minute and the
 * system's keepalive probes (on Linux nine, 75 seconds apart).
 *
 * @throws {TypeError} A text is no address.
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
  addresses.forEach(checkAddress);
  return async (target, options): Promise<Connection> => {
    const localAddress = addressFor(target.hostname, addresses);
    if (localAddress === undefined) return await dialTcp(target, options);
    const { connect } = await import("node:net");
    const { hostname: host, port } = target;
    const socket = connect({
      ...{ host, port, localAddress, allowHalfOpen: true, noDelay: true, keepAlive: true },
      keepAliveInitialDelay: KEEP_ALIVE,
    });
    try {
      await abortable(connected(socket), options.signal);
    } catch (error) {
      socket.destroy();
      options.signal?.throwIfAborted();
      throw dialError(target, error);
    }
    const local = { hostname: socket.localAddress ?? localAddress, port: socket.localPort ?? 0 };
    return new DuplexConnection(socket, { local, remote: target });
  };
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
}
