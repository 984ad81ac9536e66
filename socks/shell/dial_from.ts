/**
 * Connections from an address of this machine's that is chosen, through `node:net`: `Deno.connect` has no say in it.
 *
 * @module
 */
import { addressFor } from "../wire/networks.ts";
import { reasonText } from "../../base/reason.ts";
import type { Socket } from "node:net";
import { abortable } from "../../base/deadline.ts";
import { parseIp } from "../wire/ip.ts";
import type { Connection, Dialer } from "../stream/connection.ts";
import { dialTcp, listenTcp } from "./tcp.ts";
import type { ListenTcp } from "../stream/listen_tcp.ts";
import { dialError } from "../stream/dial_error.ts";
import { DuplexConnection } from "./duplex.ts";

/** Time without a byte after which a peer is asked whether it is still there, in milliseconds. */
const KEEP_ALIVE = 60_000;

/**
 * Connects over TCP from the first of some addresses that is of the target's family, and as the system routes where none
 * is; `0.0.0.0` and `::` leave it to the system too, and keep the rest of what is said here. It is somewhat slower than {@linkcode dialTcp}, and
 * its sockets can do what Deno's cannot: a connection that is cut is reset, so that the peer takes it for no end, and a peer that is gone
 * is noticed after a minute and the probes of the system (on Linux nine, 75 seconds apart).
 *
 * @throws {TypeError} When one is no address.
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

/**
 * Whether sockets can be bound to addresses of this machine's, before anybody is served: an address that it has not would fail
 * every connection.
 *
 * @param listen Binds.
 * @throws {TypeError} With the address, when one is none or none of this machine's.
 */
export function checkOwnAddresses(addresses: readonly string[], listen: ListenTcp = listenTcp): void {
  for (const address of addresses) {
    checkAddress(address);
    try {
      listen({ hostname: address, port: 0 }).close();
    } catch (cause) {
      // Whoever may not bind may still connect.
      if (cause instanceof Error && cause.name === "NotCapable") continue;
      const reason = reasonText(cause);
      throw new TypeError(`Cannot use egress ${address}: this machine cannot use that address: ${reason}`, { cause });
    }
  }
}

function checkAddress(address: string): void {
  if (parseIp(address) !== undefined) return;
  throw new TypeError(`Cannot use egress ${JSON.stringify(address)}: it is no address of this machine`);
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
}
