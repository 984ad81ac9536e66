/**
 * Stream sockets through `node:net`.
 *
 * @module
 */
import type { NetConnectOpts, Server, Socket } from "node:net";
import { abortable } from "../../../base/deadline.ts";
import { requireBuiltin } from "../../../base/builtin.ts";
import type { StreamListener, StreamSocket, StreamSockets } from "./stream_sockets.ts";

/** What to do in a runtime without sockets. */
export const NO_TRANSPORT = "pass `transport`: kdcThrough(dial) over a dialer of yours";
/** What to do where nothing listens. */
export const NO_LISTENER = "createRealm() and handleKdcMessage() need no socket";

/** Sockets of `node:net`, which Node and Bun have. */
export const nodeSockets: StreamSockets = {
  connect: ({ hostname: host, port, signal }) => connect({ host, port, noDelay: true }, signal),
  connectUnix: (path) => connect({ path }),
  async listen({ hostname, port }) {
    const server = net("listen for clients of a KDC", NO_LISTENER).createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
    });
    await happened(server, "listening", () => server.listen(port, hostname));
    return listenerOf(server);
  },
  mayReach: () => true,
};

function net(what: string, instead: string): typeof import("node:net") {
  return requireBuiltin("node:net", what, instead);
}

async function connect(how: NetConnectOpts, signal?: AbortSignal): Promise<StreamSocket> {
  const socket = net("connect", NO_TRANSPORT).connect({ ...how, allowHalfOpen: true });
  try {
    await abortable(happened(socket, "connect", () => {}), signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return streamOf(socket);
}

/** Resolved after the event, or rejected with the error that comes instead. */
function happened(source: Server | Socket, event: string, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    source.once("error", reject);
    source.once(event, () => {
      source.off("error", reject);
      resolve();
    });
    start();
  });
}

/** A connection over an open socket. */
function streamOf(socket: Socket): StreamSocket {
  // The call that is under way reports it.
  socket.on("error", () => {});
  const chunks: AsyncIterator<Uint8Array> = socket.iterator({ destroyOnReturn: false });
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async read(into): Promise<number | null> {
      if (rest.length === 0) {
        const { done, value } = await chunks.next();
        if (done) return null;
        rest = value;
      }
      const taken = rest.subarray(0, into.length);
      rest = rest.subarray(taken.length);
      into.set(taken);
      return taken.length;
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
      }),
    closeWrite: () => new Promise((resolve) => void socket.end(() => resolve())),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

function listenerOf(server: Server): StreamListener {
  const accepted: StreamSocket[] = [];
  const waiting: PromiseWithResolvers<StreamSocket>[] = [];
  let closed = false;
  server.on("error", () => {}); // No client can be accepted now; the next one may be.
  server.on("connection", (socket) => {
    const stream = streamOf(socket);
    const next = waiting.shift();
    if (next === undefined) accepted.push(stream);
    else next.resolve(stream);
  });
  return {
    addr: { port: (server.address() as { readonly port: number }).port },
    async accept(): Promise<StreamSocket> {
      const stream = accepted.shift();
      if (stream !== undefined) return stream;
      if (closed) throw closedError();
      const next = Promise.withResolvers<StreamSocket>();
      waiting.push(next);
      return await next.promise;
    },
    close(): void {
      closed = true;
      server.close();
      for (const stream of accepted.splice(0)) stream[Symbol.dispose]();
      for (const { reject } of waiting.splice(0)) reject(closedError());
    },
  };
}

function closedError(): Error {
  return new Error("Listener is closed");
}
