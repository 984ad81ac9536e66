/**
 * Listeners through `node:net`.
 *
 * @module
 */
import type { Server, Socket } from "node:net";
import { requireBuiltin } from "../../base/builtin.ts";
import type { Connection } from "../stream/connection.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import type { Endpoint } from "../wire/address.ts";
import { parseIp } from "../wire/ip.ts";
import { DuplexConnection } from "./duplex.ts";
import { listeningOn } from "./listening.ts";
import { listenNaming } from "./listen_naming.ts";
import { connectionOf, SOCKET_OPTIONS } from "./node_dial.ts";
import { nodeNet } from "./node_modules.ts";

/** Clients that the system keeps until they are accepted, and that are kept here until they are taken. */
const BACKLOG = 511;

const INSTEAD = "pass `listeners`, or an empty list and connections to serveConnection()";

/** Listens on TCP. */
export const nodeListen: ReturnType<typeof listeningOn> = listeningOn({
  listen({ hostname, port, reusePort = false }) {
    if (reusePort) throw new TypeError("reusePort is not possible in this runtime");
    const family = parseIp(hostname)?.length === 4 ? 4 : 6;
    if (parseIp(hostname) === undefined) throw new TypeError("a name is not looked up here; write an address");
    const server = listenNow({ hostname, port, family });
    const { address, port: own } = server.address() as { readonly address: string; readonly port: number };
    return listenerOf(server, { hostname: address, port: own }, connectionOf);
  },
  mayListen: () => true,
});

/** Listens on a socket in the file system. */
export function nodeListenUnix(path: string): ConnectionListener {
  const server = listenNaming(`Cannot listen at ${path}`, () => listenNow({ path }));
  return listenerOf(server, { hostname: path, port: 0 }, (socket) => new DuplexConnection(socket));
}

/** Where to listen. */
type Place = { readonly hostname: string; readonly port: number; readonly family: 4 | 6 } | { readonly path: string };

/**
 * What of `node:net` is not in its types: the handle of a listening socket, or the number of an error. Only with it is known at once whether
 * listening succeeds, and at which port: `listen()` tells both later. Bun has no such function, and its `listen()` needs none.
 */
interface NetHandles {
  _createServerHandle?(address: string, port: number, family: number): ServerHandle | number;
}

interface ServerHandle {
  listen(backlog: number): number;
  close(): void;
}

/** Listens, and returns when this has succeeded. */
function listenNow(place: Place): Server {
  const net: typeof import("node:net") & NetHandles = nodeNet("listen", INSTEAD);
  // What is accepted waits unread until it is taken.
  const server = net.createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
  if (!("path" in place) && net._createServerHandle !== undefined) {
    const handle = net._createServerHandle(place.hostname, place.port, place.family);
    const failed = typeof handle === "number" ? handle : handle.listen(BACKLOG);
    if (failed === 0) return server.listen(handle);
    if (typeof handle !== "number") handle.close();
    throw systemError(failed);
  }
  // The event of an error comes later; whether it listens is known now.
  server.once("error", () => {});
  server.listen(
    "path" in place ? { ...place, backlog: BACKLOG } : { host: place.hostname, port: place.port, backlog: BACKLOG },
  );
  if (!server.listening) throw whyNot(net, place);
  return server;
}

/** The error of listening at a place where it has failed, had from another call that says it at once. */
function whyNot(net: NetHandles, place: Place): unknown {
  try {
    if ("path" in place && net._createServerHandle !== undefined) {
      const handle = net._createServerHandle(place.path, -1, -1);
      if (typeof handle === "number") return systemError(handle);
      handle.close();
    } else {
      const { Bun } = globalThis as unknown as { Bun: { listen(options: unknown): { stop(): void } } };
      const where = "path" in place ? { unix: place.path } : place;
      Bun.listen({ ...where, socket: { data() {} } }).stop();
    }
  } catch (error) {
    return error;
  }
  return new Error("the system does not say why");
}

/** The error of a number. */
function systemError(number: number): Error {
  const { getSystemErrorMap } = requireBuiltin<typeof import("node:util")>("node:util", "listen", INSTEAD);
  const [code, text] = getSystemErrorMap().get(number) ?? ["UNKNOWN", `error ${number}`];
  return Object.assign(new Error(text), { code });
}

/** The listener of a server that listens. */
function listenerOf(server: Server, addr: Endpoint, wrap: (socket: Socket) => Connection): ConnectionListener {
  const accepted: Connection[] = [];
  const waiting: PromiseWithResolvers<Connection | undefined>[] = [];
  let failure: Error | undefined;
  let closed = false;
  server.on("connection", (socket) => {
    const next = waiting.shift();
    // `node:net` accepts whether somebody asks or not: without a bound, clients that a full server leaves waiting would fill it.
    if (next === undefined && accepted.length >= BACKLOG) return void socket.destroy();
    const connection = wrap(socket);
    if (next === undefined) accepted.push(connection);
    else next.resolve(connection);
  });
  // No client can be accepted now, for example because the process has no descriptor left.
  server.on("error", (error) => {
    const next = waiting.shift();
    if (next === undefined) failure = error;
    else next.reject(error);
  });
  return {
    addr,
    async accept(): Promise<Connection | undefined> {
      const connection = accepted.shift();
      if (connection !== undefined || closed) return connection;
      if (failure !== undefined) {
        const error = failure;
        failure = undefined;
        throw error;
      }
      const next = Promise.withResolvers<Connection | undefined>();
      waiting.push(next);
      return await next.promise;
    },
    close(): void {
      if (closed) return;
      closed = true;
      server.close();
      for (const connection of accepted.splice(0)) connection.close();
      for (const { resolve } of waiting.splice(0)) resolve(undefined);
    },
    ref: () => void server.ref(),
    unref: () => void server.unref(),
  };
}
