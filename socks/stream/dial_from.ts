/**
 * Connections from an address of this machine's that is chosen, through `node:net`: `Deno.connect` has no say in it.
 *
 * @module
 */
import type { Socket } from "node:net";
import { abortable } from "../../gss/deadline.ts";
import { parseIp } from "../wire/ip.ts";
import type { Connection, Dialer } from "./connection.ts";
import { dialError, dialTcp } from "./deno.ts";
import { DuplexConnection } from "./duplex.ts";

/**
 * Connects over TCP from the first of some addresses that is of the target's family, and as the system routes where none
 * is. It is somewhat slower than {@linkcode dialTcp}.
 *
 * @throws {TypeError} When one is no address.
 */
export function dialFrom(addresses: readonly string[]): Dialer {
  for (const address of addresses) {
    if (parseIp(address) === undefined) {
      throw new TypeError(`Cannot connect: ${JSON.stringify(address)} is no address of this machine`);
    }
  }
  return async (target, options): Promise<Connection> => {
    const localAddress = addressFor(target.hostname, addresses);
    if (localAddress === undefined) return await dialTcp(target, options);
    const { connect } = await import("node:net");
    const { hostname: host, port } = target;
    const socket = connect({ host, port, localAddress, allowHalfOpen: true, noDelay: true, keepAlive: true });
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

/** The first address of the target's family. */
export function addressFor(target: string, addresses: readonly string[]): string | undefined {
  const family = parseIp(target)?.length;
  return addresses.find((address) => parseIp(address)?.length === family);
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
}
