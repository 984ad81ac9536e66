/**
 * A worker for workerd: `/client` runs the program over the worker's own sockets, and a WebSocket gets the server's end of SOCKS5.
 *
 * @module
 */
// @ts-types="./cloudflare_sockets.d.ts"
import { connect as openSocket } from "cloudflare:sockets";
import {
  connectionFromStreams,
  connectionFromWebSocket,
  type Dialer,
  kdcThrough,
  Keytab,
  serve,
  type UpdatableServer,
  WEB_SOCKET_PROTOCOL,
} from "../../proxy/edge.ts";
import { edgeProgram } from "./program.ts";

/** Bindings of the worker. */
interface Env {
  readonly GIVEN: string;
  readonly KEYTAB: string;
}

const dial: Dialer = async (address) => {
  const socket = openSocket(address, { allowHalfOpen: true });
  await socket.opened;
  return connectionFromStreams(socket);
};

let server: UpdatableServer | undefined;

/** The server, made with the first connection: workerd allows nothing random before that. */
function proxyOf(env: Env): UpdatableServer {
  return server ??= serve({
    keytab: Keytab.decode(Uint8Array.from(atob(env.KEYTAB), (character) => character.charCodeAt(0))),
    rules: ["allow localhost"],
    dial,
    resolve: (name) => Promise.reject(new Error(`${name} is not known`)),
  });
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.headers.get("upgrade") === "websocket") {
      const { WebSocketPair } = globalThis as unknown as {
        WebSocketPair: new () => readonly [WebSocket, AcceptedSocket];
      };
      const [theirs, ours] = Object.values(new WebSocketPair()) as [WebSocket, AcceptedSocket];
      ours.accept();
      void proxyOf(env).serveConnection(connectionFromWebSocket(ours));
      const headers = { "sec-websocket-protocol": WEB_SOCKET_PROTOCOL };
      return new Response(null, { status: 101, webSocket: theirs, headers } as ResponseInit);
    }
    try {
      return new Response(await edgeProgram(JSON.parse(env.GIVEN), dial, kdcThrough(dial)));
    } catch (error) {
      return new Response(String((error as Error).stack), { status: 500 });
    }
  },
};

/** The server's end of a pair. */
interface AcceptedSocket extends WebSocket {
  accept(): void;
}
