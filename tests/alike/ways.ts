/**
 * Every way of getting a byte stream to a peer.
 *
 * @module
 */
import {
  connect,
  connectionFromWebSocket,
  type ConnectOptions,
  connectTls,
  dialTls,
  dialUnix,
  dialWebSocket,
  listenUnix,
  noAuthentication,
  type ProtectionLevel,
  serve,
  type ServeOptions,
  WEB_SOCKET_PROTOCOL,
} from "../../mod.ts";
import type { Connection, Dialer } from "../../socks/stream/connection.ts";
import { dialTcp } from "../../socks/stream/deno.ts";
import { connectionFromStreams } from "../../socks/stream/web_streams.ts";
import { memoryRealm, memoryTickets } from "../support/gss_pair.ts";
import { hasPeer, peer as program } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { meetOverTcp, meetOverTls, type Peer, Wire } from "./peer.ts";

const LOCALHOST = "127.0.0.1";

/** What a program holds, whatever it asked for. */
export interface ByteStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  read(into: Uint8Array): Promise<number | null>;
  write(chunk: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  [Symbol.dispose](): void;
}

/** What a way is opened with. */
export interface Opening {
  /** Given to whatever makes the connection. */
  readonly signal: AbortSignal;
  /** What is to be closed after the connection. */
  readonly stack: AsyncDisposableStack;
  /** Whether {@linkcode Opened.spoil} is wanted. */
  readonly spoilable: boolean;
}

/** A connection and its peer. */
export interface Opened {
  readonly stream: ByteStream;
  readonly peer: Peer;
  /** Cuts the wire under TLS. */
  cut?(): void;
  /** From then on, octets that come from the proxy have one octet wrong at a time. */
  spoil?(): void;
}

/** What not every way has. */
export type Ability = "cut" | "spoil";

/** A way of getting a byte stream. */
export interface Way {
  readonly name: string;
  /** Names of what it belongs to, for exceptions. */
  readonly kinds: readonly string[];
  /** What it has beside the stream. */
  readonly abilities: readonly Ability[];
  open(opening: Opening): Promise<Opened>;
}

/** Kerberos, in memory, for all. */
const realm = await memoryRealm();
const credentials = memoryTickets([realm]);
await credentials.initialTicket();

const identity = await certificate();

/** A certificate for this machine and its key; `undefined` where there is no openssl to make one. */
async function certificate(): Promise<{ cert: string; key: string } | undefined> {
  if (!hasPeer("openssl") && Deno.env.get("GSSOCKS_REQUIRE_PEERS") === undefined) {
    // deno-lint-ignore no-console
    console.log("skipped: every way with TLS in it (not installed: openssl; see tests/interop/peers/build.sh)");
    return undefined;
  }
  const { stdout, stderr, code } = await run(program("openssl"), [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
    ...["-keyout", "-", "-out", "-", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"],
  ]);
  const [cert, key] = ["CERTIFICATE", "PRIVATE KEY"].map((label) =>
    new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----\n`).exec(stdout)?.[0]
  );
  if (code !== 0 || cert === undefined || key === undefined) throw new Error(`No certificate: ${stderr}`);
  return { cert, key };
}

/** Deno writes as much as there is room for: here, all. */
function denoStream(conn: Deno.Conn): ByteStream {
  return {
    get readable() {
      return conn.readable;
    },
    get writable() {
      return conn.writable;
    },
    read: (into) => conn.read(into),
    async write(chunk): Promise<number> {
      let at = await conn.write(chunk);
      while (at < chunk?.byteLength) at += await conn.write(chunk.subarray(at));
      return at;
    },
    closeWrite: () => conn.closeWrite(),
    close: () => conn.close(),
    [Symbol.dispose]: () => conn[Symbol.dispose](),
  };
}

const deno: Way = {
  name: "Deno.connect",
  kinds: ["Deno"],
  abilities: [],
  async open({ stack, signal }): Promise<Opened> {
    const meeting = stack.use(meetOverTcp());
    const [conn, peer] = await Promise.all([
      Deno.connect({ hostname: LOCALHOST, port: meeting.port, signal }),
      meeting.next(),
    ]);
    stack.use(peer);
    return { stream: denoStream(conn), peer };
  },
};

const denoTls = (tls: { cert: string; key: string }): Way => ({
  name: "Deno.connectTls",
  kinds: ["Deno", "Deno TLS"],
  abilities: ["cut"],
  async open({ stack }): Promise<Opened> {
    const meeting = stack.use(meetOverTls(tls));
    const opening = Deno.connectTls({ hostname: "localhost", port: meeting.port, caCerts: [tls.cert] });
    const [conn, peer] = await Promise.all([opening, meeting.next()]);
    stack.use(peer);
    return { stream: denoStream(conn), peer, cut: () => meeting.cut() };
  },
});

/** What a proxy of ours is told, whoever reaches it. */
const SERVE: ServeOptions = {
  keytab: realm.keytab("rcmd/localhost"),
  allowUnauthenticated: true,
  protection: ["confidentiality", "integrity", "selective", "none"],
  rules: ["allow localhost"],
  commands: ["connect", "bind"],
};

/** A proxy that runs, and how it is dialled. */
interface Reached {
  readonly dial: Dialer;
  readonly port?: number;
  readonly cut?: () => void;
}

/** How a proxy is reached. */
type Reach = (stack: AsyncDisposableStack) => Reached | Promise<Reached>;

const overTcp: Reach = (stack) => {
  const server = stack.use(serve({ port: 0, ...SERVE }));
  return { dial: dialTcp, port: server.addr.port };
};

const overUnix: Reach = async (stack) => {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-alike-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  stack.use(serve({ listeners: [listenUnix(`${directory}/socket`)], ...SERVE }));
  return { dial: dialUnix(`${directory}/socket`) };
};

const overTls = (tls: { cert: string; key: string }): Reach => (stack) => {
  const server = stack.use(serve({ port: 0, tls, ...SERVE }));
  const wire = stack.use(new Wire(server.addr.port));
  return { dial: dialTls({ caCerts: [tls.cert] }), port: wire.port, cut: () => wire.cut() };
};

const overWebSocket: Reach = (stack) => {
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
const overStreams: Reach = (stack) => {
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
type Level = ProtectionLevel | "unprotected";

function atLevel(level: Level): Pick<ConnectOptions, "auth" | "credentials" | "protection"> {
  return level === "unprotected" ? { auth: [noAuthentication()] } : { credentials, protection: level };
}

/** A dialer whose connections spoil what comes, once they are told. */
function spoiling(dial: Dialer): { dial: Dialer; spoil: () => void } {
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

/** A way through a proxy to a peer on TCP. */
function connected(name: string, reach: Reach, level: Level, kinds: readonly string[]): Way {
  const protectedLevel = level !== "unprotected" && level !== "none";
  return {
    name,
    kinds: ["ours", level, ...kinds],
    abilities: [...(protectedLevel ? ["spoil" as const] : []), ...(kinds.includes("proxy in TLS") ? ["cut" as const] : [])],
    async open({ stack, signal, spoilable }): Promise<Opened> {
      const { dial: dialled, port = 1080, cut } = await reach(stack);
      const { dial, spoil } = spoilable ? spoiling(dialled) : { dial: dialled, spoil: undefined };
      const meeting = stack.use(meetOverTcp());
      const [stream, peer] = await Promise.all([
        connect({
          proxy: { hostname: "localhost", port },
          ...atLevel(level),
          dial,
          hostname: LOCALHOST,
          port: meeting.port,
          signal,
        }),
        meeting.next(),
      ]);
      stack.use(peer);
      return { stream, peer, ...(cut && { cut }), ...(spoil && { spoil }) };
    },
  };
}

/** A way through a proxy to a peer on TLS. */
function secured(name: string, level: Level, tls: { cert: string; key: string }): Way {
  return {
    name,
    kinds: ["ours", level, "TLS"],
    abilities: ["cut"],
    async open({ stack, signal }): Promise<Opened> {
      const { port = 1080 } = await overTcp(stack);
      const meeting = stack.use(meetOverTls(tls));
      const [stream, peer] = await Promise.all([
        connectTls({
          proxy: { hostname: "localhost", port },
          ...atLevel(level),
          caCerts: [tls.cert],
          hostname: "localhost",
          port: meeting.port,
          signal,
        }),
        meeting.next(),
      ]);
      stack.use(peer);
      return { stream, peer, cut: () => meeting.cut() };
    },
  };
}

/** Every way. */
export const WAYS: readonly Way[] = [
  deno,
  ...(identity === undefined ? [] : [denoTls(identity)]),
  connected("no authentication", overTcp, "unprotected", ["TCP"]),
  connected("none", overTcp, "none", ["TCP"]),
  connected("integrity", overTcp, "integrity", ["TCP"]),
  connected("selective", overTcp, "selective", ["TCP"]),
  connected("confidentiality", overTcp, "confidentiality", ["TCP"]),
  ...(identity === undefined ? [] : [
    secured("TLS, none", "none", identity),
    secured("TLS, confidentiality", "confidentiality", identity),
    connected("a proxy in TLS, none", overTls(identity), "none", ["proxy in TLS"]),
    connected("a proxy in TLS, confidentiality", overTls(identity), "confidentiality", ["proxy in TLS"]),
  ]),
  connected("a WebSocket, none", overWebSocket, "unprotected", ["WebSocket"]),
  connected("a WebSocket, confidentiality", overWebSocket, "confidentiality", ["WebSocket"]),
  connected("streams, none", overStreams, "unprotected", ["streams"]),
  connected("streams, confidentiality", overStreams, "confidentiality", ["streams"]),
  connected("a Unix socket, none", overUnix, "unprotected", ["Unix"]),
];
