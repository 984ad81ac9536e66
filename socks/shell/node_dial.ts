/**
 * Connections through `node:net`.
 *
 * @module
 */
import type { IpcNetConnectOpts, Socket, TcpNetConnectOpts } from "node:net";
import { builtin } from "../../base/builtin.ts";
import { abortable } from "../../base/deadline.ts";
import type { Connection, Dialer } from "../stream/connection.ts";
import { dialError } from "../stream/dial_error.ts";
import { checkAddress } from "../stream/own_addresses.ts";
import type { Endpoint } from "../wire/address.ts";
import { canonicalAddress } from "../wire/ip.ts";
import { addressFor } from "../wire/networks.ts";
import { DuplexConnection } from "./duplex.ts";
import { nodeNet } from "./node_modules.ts";

/** Milliseconds without data after which keepalive probes start. */
const KEEP_ALIVE = 60_000;

/** How every socket is used: each direction ends by itself, small messages leave at once, and dead peers are found. */
export const SOCKET_OPTIONS: SocketOptions = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE,
};

interface SocketOptions {
  readonly allowHalfOpen: true;
  readonly noDelay: true;
  readonly keepAlive: true;
  readonly keepAliveInitialDelay: number;
}

/** Connects over TCP. Errors of the system become {@linkcode SocksReplyError}. */
export const nodeDial: Dialer = async (target, { signal }) => {
  const { hostname: host, port } = target;
  return connectionOf(await opened({ host, port, ...SOCKET_OPTIONS }, { target, signal }));
};

/** Returns a dialer that connects to a socket in the file system. */
export function nodeDialUnix(path: string): Dialer {
  return async (_target, { signal }) => {
    const target = { hostname: path, port: 0 };
    return new DuplexConnection(await opened({ path, allowHalfOpen: true }, { target, signal }));
  };
}

/**
 * Returns the function that dials from one of some local addresses. A target of another family is reached by `dial`, which leaves the choice
 * to the system.
 */
export function dialingFrom(dial: Dialer): (addresses: readonly string[]) => Dialer {
  return (addresses) => {
    addresses.forEach(checkAddress);
    return async (target, options): Promise<Connection> => {
      const localAddress = addressFor(target.hostname, addresses);
      if (localAddress === undefined) return await dial(target, options);
      const { hostname: host, port } = target;
      const { signal } = options;
      const socket = await opened({ host, port, localAddress, ...SOCKET_OPTIONS }, { target, signal });
      const local = { hostname: socket.localAddress ?? localAddress, port: socket.localPort ?? 0 };
      return new SocketConnection(socket, { local, remote: target });
    };
  };
}

/** Opens a socket; an attempt that fails or is given up leaves none. */
async function opened(
  how: TcpNetConnectOpts | IpcNetConnectOpts,
  { target, signal }: { readonly target: Endpoint; readonly signal: AbortSignal | undefined },
): Promise<Socket> {
  const socket = nodeNet("connect", "pass `dial`").connect(how);
  try {
    await abortable(connected(socket), signal);
    return socket;
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    throw dialError(target, error);
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve());
    // A name with several addresses fails with the errors of all.
    socket.once("error", (error) => reject(firstOf(error)));
  });
}

function firstOf(error: Error): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

/** What of a socket of Node is not in its types: whether the system has its peer still, as a number below zero where it has none. */
interface SocketHandle {
  readonly _handle?: { getpeername?(into: object): number } | null;
}

/** Whether this is Node 22: it takes a reset for an end if it comes while nobody reads. Later ones do not. */
const MISTAKES_RESETS = /^22\./.test(
  builtin<{ versions?: { node?: string } }>("node:process")?.versions?.node ?? "",
);

/** A connection over a socket of TCP. */
class SocketConnection extends DuplexConnection {
  /** Before this side has ended, a socket without a peer was reset. */
  protected override isEnd(): boolean {
    if (!MISTAKES_RESETS || this.stream.writableEnded) return true;
    return ((this.stream as SocketHandle)._handle?.getpeername?.({}) ?? 0) >= 0;
  }
}

/** The connection of an open socket of TCP. */
export function connectionOf(socket: Socket): Connection {
  return new SocketConnection(socket, {
    local: endpointOf(socket.localAddress, socket.localPort),
    remote: endpointOf(socket.remoteAddress, socket.remotePort),
  });
}

/** One end of a connection. A socket for both families reports an IPv4 address as an IPv4-mapped one. */
function endpointOf(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined ? undefined : { hostname: canonicalAddress(address), port };
}
