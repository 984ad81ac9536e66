/**
 * Proxies of ours, and how they are reached: over every transport, at every level.
 *
 * @module
 */
import {
  connectionFromWebSocket,
  dialTls,
  dialUnix,
  dialWebSocket,
  type GssapiProxyOptions,
  listenUnix,
  type MethodsProxyOptions,
  noAuthentication,
  type ProtectionLevel,
  serve,
  type ServeOptions,
  WEB_SOCKET_PROTOCOL,
} from "../../mod.ts";
import type { Connection, Dialer } from "../../socks/stream/connection.ts";
import { nodePlatform } from "../../socks/shell/node_platform.ts";
import { dialTcp } from "../../socks/shell/tcp.ts";
import { connectionFromStreams } from "../../socks/stream/web_streams.ts";
import { type Certificate, certificateFor } from "../support/certificate.ts";
import { memoryRealm, memoryTickets } from "../support/gss_pair.ts";
import { hasPeer } from "../support/peers.ts";
import { Wire } from "./peer.ts";

const LOCALHOST = "127.0.0.1";

/** Kerberos, in memory, for all. */
const realm = await memoryRealm();
const credentials = memoryTickets([realm]);
await credentials.initialTicket();

/** For TLS, of the proxy and of the peer; `undefined` where there is no openssl to make one. */
export const identity: Certificate | undefined = await certificate();

async function certificate(): Promise<Certificate | undefined> {
  if (hasPeer("openssl") || Deno.env.get("GSSOCKS_REQUIRE_PEERS") !== undefined) return await certificateFor();
  // deno-lint-ignore no-console
  console.log("skipped: every way with TLS in it (not installed: openssl; see tests/interop/peers/build.sh)");
  return undefined;
}

/** What a proxy of ours is told, whoever reaches it. */
const SERVE: ServeOptions = {
  keytab: realm.keytab("rcmd/localhost"),
  allowUnauthenticated: true,
  protection: ["confidentiality", "integrity", "selective", "none"],
  rules: ["allow localhost"],
  commands: ["connect", "bind"],
};

/** A proxy that runs, and how it is dialled. */
export interface Reached {
  readonly dial: Dialer;
  readonly port?: number;
  readonly wire?: Wire;
}

/** How a proxy is reached; "wired" by a wire that can be cut. */
export type Reach = (stack: AsyncDisposableStack, wired: boolean) => Reached | Promise<Reached>;

export const overTcp: Reach = (stack) => {
  const server = stack.use(serve({ port: 0, ...SERVE }));
  return { dial: dialTcp, port: server.addr.port };
};

/** What Node and Bun have, on both sides of the proxy. */
export const overNode: Reach = (stack) => {
  const listeners = [nodePlatform.listen({ hostname: LOCALHOST, port: 0 })];
  const server = stack.use(serve({ listeners, dial: nodePlatform.dial, ...SERVE }));
  return { dial: nodePlatform.dial, port: server.addr.port };
};

export const overUnix: Reach = async (stack) => {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-alike-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  stack.use(serve({ listeners: [listenUnix(`${directory}/socket`)], ...SERVE }));
  return { dial: dialUnix(`${directory}/socket`) };
};

export const overTls = (tls: Certificate): Reach => async (stack, wired) => {
  const { port } = stack.use(serve({ port: 0, tls, ...SERVE })).addr;
  return await inTls(dialTls({ caCerts: [tls.cert] }), port, stack, wired);
};

/** TLS on what Node and Bun have, on both sides of the proxy. */
export const overNodeTls = (tls: Certificate): Reach => async (stack, wired) => {
  const listeners = [nodePlatform.listenTls({ hostname: LOCALHOST, port: 0, ...tls })];
  const { port } = stack.use(serve({ listeners, dial: nodePlatform.dial, ...SERVE })).addr;
  return await inTls(nodePlatform.dialTls({ caCerts: [tls.cert] }), port, stack, wired);
};

async function inTls(dial: Dialer, port: number, stack: AsyncDisposableStack, wired: boolean): Promise<Reached> {
  if (!wired) return { dial, port };
  const wire = stack.use(await Wire.open(port));
  return { dial, port: wire.port, wire };
}

export const overWebSocket: Reach = (stack) => {
  const proxy = stack.use(serve({ listeners: [], ...SERVE }));
  const front = Deno.serve({ hostname: LOCALHOST, port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: WEB_SOCKET_PROTOCOL });
    void proxy.serveConnection(connectionFromWebSocket(socket));
    return response;
  });
  stack.use(front);
  return { dial: dialWebSocket(`ws://${LOCALHOST}:${front.addr.port}`) };
};

/** Streams that hold a little on the way, as a pipe of the system does. */
export const overStreams: Reach = (stack) => {
  const proxy = stack.use(serve({ listeners: [], ...SERVE }));
  const pipe = () => new TransformStream<Uint8Array, Uint8Array>({}, { highWaterMark: 4 }, { highWaterMark: 4 });
  return {
    dial: () => {
      const [up, down] = [pipe(), pipe()];
      void proxy.serveConnection(connectionFromStreams({ readable: up.readable, writable: down.writable }));
      return Promise.resolve(connectionFromStreams({ readable: down.readable, writable: up.writable }));
    },
  };
};

/** How a proxy is used at a level; "unprotected" is without Kerberos. */
export type Level = ProtectionLevel | "unprotected";

export function atLevel(level: Level): GssapiProxyOptions | MethodsProxyOptions {
  return level === "unprotected" ? { auth: [noAuthentication()] } : { credentials, protection: level };
}

/** A dialer whose connections spoil what comes, once they are told. */
export function spoiling(dial: Dialer): { dial: Dialer; spoil: () => void } {
  let spoilt = false;
  const spoiled = (inner: Connection): Connection => ({
    local: inner.local,
    remote: inner.remote,
    async read(into) {
      const bytes = await inner.read(into);
      if (spoilt && bytes !== null) bytes[bytes.length - 1]! ^= 1;
      return bytes;
    },
    write: (bytes) => inner.write(bytes),
    closeWrite: () => inner.closeWrite(),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  });
  return { dial: async (target, options) => spoiled(await dial(target, options)), spoil: () => void (spoilt = true) };
}
