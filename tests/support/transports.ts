/**
 * Both ends of a connection over every transport.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { dialUnix, listenUnix } from "../../socks/shell/unix.ts";
import { DenoConnection } from "../../socks/shell/deno_connection.ts";
import { ProtectedConnection } from "../../socks/stream/record_layer.ts";
import { connectionFromWebSocket, dialWebSocket } from "../../socks/stream/web_socket.ts";
import { connectionFromStreams } from "../../socks/stream/web_streams.ts";
import { credentialPair, establish, memoryRealm } from "./gss_pair.ts";

/** Two ends, and the resources to close with them. */
export interface Ends extends AsyncDisposable {
  readonly ours: Connection;
  readonly theirs: Connection;
}

type Open = () => Promise<
  readonly [ours: Connection, theirs: Connection, end?: (() => Promise<void> | void) | undefined]
>;

/** Opens a TCP connection, and returns both ends. */
export async function tcpPair(): Promise<[Connection, Connection]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr;
  const [near, far] = await Promise.all([Deno.connect({ hostname, port }), listener.accept()]);
  return [new DenoConnection(near), new DenoConnection(far)];
}

const unixPair: Open = async () => {
  const folder = await Deno.makeTempDir();
  const listener = listenUnix(`${folder}/socket`);
  const [near, far] = await Promise.all([
    dialUnix(`${folder}/socket`)({ hostname: "x", port: 1 }, {}),
    listener.accept(),
  ]);
  listener.close();
  return [near, far!, () => Deno.remove(folder, { recursive: true })];
};

const streamsPair: Open = () => {
  // A few chunks may be buffered, as in a socket.
  const way = () => new TransformStream<Bytes, Bytes>({}, undefined, { highWaterMark: 4 });
  const [there, back] = [way(), way()];
  return Promise.resolve([
    connectionFromStreams({ readable: back.readable, writable: there.writable }),
    connectionFromStreams({ readable: there.readable, writable: back.writable }),
  ]);
};

const webSocketPair: Open = async () => {
  const accepted = Promise.withResolvers<Connection>();
  const front = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "gssocks.v1" });
    accepted.resolve(connectionFromWebSocket(socket));
    return response;
  });
  const dial = dialWebSocket(`ws://127.0.0.1:${front.addr.port}/`);
  const ours = await dial({ hostname: "x", port: 1 }, {});
  return [ours, await accepted.promise, () => front.shutdown()];
};

let credentials: ReturnType<typeof credentialPair> | undefined;

/** Opens a pair with all bytes protected by Kerberos. One ticket serves all. */
function protectedOver(open: Open, level: "integrity" | "confidentiality"): Open {
  return async () => {
    const [near, far, end] = await open();
    credentials ??= credentialPair(await memoryRealm());
    const contexts = await establish(credentials);
    const ours = new ProtectedConnection({ connection: near, context: contexts.ours, level });
    const theirs = new ProtectedConnection({ connection: far, context: contexts.theirs, level });
    return [ours, theirs, end];
  };
}

const OPEN: Readonly<Record<string, Open>> = {
  "TCP": tcpPair,
  "a socket in the file system": unixPair,
  "streams": streamsPair,
  "WebSocket": webSocketPair,
  "integrity over TCP": protectedOver(tcpPair, "integrity"),
  "confidentiality over TCP": protectedOver(tcpPair, "confidentiality"),
  "confidentiality over streams": protectedOver(streamsPair, "confidentiality"),
  "integrity over WebSocket": protectedOver(webSocketPair, "integrity"),
};

/** Names of all transports. */
export const TRANSPORTS: readonly string[] = Object.keys(OPEN);

/** Opens a pair over a transport. */
export async function transportPair(name: string): Promise<Ends> {
  const [ours, theirs, end] = await OPEN[name]!();
  return {
    ours,
    theirs,
    async [Symbol.asyncDispose](): Promise<void> {
      ours.close();
      theirs.close();
      await end?.();
    },
  };
}
