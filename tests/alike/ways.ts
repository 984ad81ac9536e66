/**
 * Every way of getting a byte stream to a peer.
 *
 * @module
 */
import {
  bind,
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
import { meet, Peer, Wire } from "./peer.ts";

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
  /** What is wanted beside the stream. */
  readonly needs: Ability | undefined;
}

/** A connection and its peer. */
export interface Opened {
  readonly stream: ByteStream;
  readonly peer: Peer;
  /** Cuts the wire under TLS, so that there is an end of TCP and none of TLS. */
  cut?(): void;
  /** Does something that sends, and waits until some of it has come as far as the wire that can be cut. */
  arrives?(send: () => Promise<void>): Promise<void>;
  /** Resets the peer's TCP connection. */
  reset?(): void;
  /** From then on, octets that come from the proxy have one octet wrong at a time. */
  spoil?(): void;
}

/** What not every way has. */
export type Ability = "cut" | "reset" | "spoil";

/** A way of getting a byte stream. */
export interface Way {
  readonly name: string;
  /** Names of what it belongs to, for exceptions. */
  readonly kinds: readonly string[];
  /** What it has beside the stream. */
  readonly abilities: readonly Ability[];
  /** Whether it is asked what becomes of TLS and nothing else: the reference in that. */
  readonly failuresOnly?: boolean;
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
    closeWrite: async () => void await conn.closeWrite(),
    close: () => conn.close(),
    [Symbol.dispose]: () => conn[Symbol.dispose](),
  };
}

/** Deno's own way to a peer. */
function direct(name: string, kinds: readonly string[], tls?: { cert: string; key: string }): Way {
  return {
    name,
    kinds: ["Deno", ...kinds],
    abilities: tls === undefined ? ["reset"] : ["reset", "cut"],
    failuresOnly: tls !== undefined,
    async open({ stack, signal, needs }): Promise<Opened> {
      const { port, wire, next } = await met(stack, needs, tls);
      const opening = tls === undefined
        ? Deno.connect({ hostname: LOCALHOST, port, signal })
        : Deno.connectTls({ hostname: "localhost", port, caCerts: [tls.cert] });
      const [conn, peer] = await Promise.all([opening, next()]);
      stack.use(peer);
      return { stream: denoStream(conn), peer, ...failing(wire) };
    },
  };
}

/** Where the peer is met, with a wire in front where a situation wants to do something with it. */
async function met(stack: AsyncDisposableStack, needs: Ability | undefined, tls?: { cert: string; key: string }) {
  const wired = needs === "reset" || (needs === "cut" && tls !== undefined);
  return stack.use(await meet({ ...(tls && { tls }), wired }));
}

/** What a wire can do to a connection. */
function failing(wire: Wire | undefined): Pick<Opened, "cut" | "reset" | "arrives"> {
  if (wire === undefined) return {};
  return { cut: () => wire.cut(), reset: () => wire.reset(), arrives: (send) => wire.arrives(send) };
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
interface Reached {
  readonly dial: Dialer;
  readonly port?: number;
  readonly wire?: Wire;
}

/** How a proxy is reached; "wired" by a wire that can be cut. */
type Reach = (stack: AsyncDisposableStack, wired: boolean) => Reached | Promise<Reached>;

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

const overTls = (tls: { cert: string; key: string }): Reach => async (stack, wired) => {
  const { port } = stack.use(serve({ port: 0, tls, ...SERVE })).addr;
  const dial = dialTls({ caCerts: [tls.cert] });
  if (!wired) return { dial, port };
  const wire = stack.use(await Wire.open(port));
  return { dial, port: wire.port, wire };
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

/** A way through a proxy to a peer. */
interface Through {
  /** Whether the peer is on TLS. */
  readonly tls?: { cert: string; key: string } | undefined;
  readonly reach: Reach;
  readonly level: Level;
  /** What it is called in exceptions, beside its level. */
  readonly kind: string;
}

function through(name: string, { tls, reach, level, kind }: Through): Way {
  const abilities: Ability[] = ["reset"];
  if (level !== "unprotected" && level !== "none" && tls === undefined) abilities.push("spoil");
  if (kind.includes("TLS")) abilities.push("cut");
  return {
    name,
    kinds: ["ours", level, kind],
    abilities,
    async open({ stack, signal, needs }): Promise<Opened> {
      const reached = await reach(stack, needs === "cut" && tls === undefined);
      const { dial, spoil } = needs === "spoil" ? spoiling(reached.dial) : { dial: reached.dial, spoil: undefined };
      const { port, wire, next } = await met(stack, needs, tls);
      const proxy = { hostname: "localhost", port: reached.port ?? 1080 };
      const options: ConnectOptions = { proxy, ...atLevel(level), dial, hostname: LOCALHOST, port, signal };
      const opening = tls === undefined
        ? connect(options)
        : connectTls({ ...options, hostname: "localhost", caCerts: [tls.cert] });
      const [stream, peer] = await Promise.all([opening, next()]);
      stack.use(peer);
      return { stream, peer, ...failing(wire), ...failing(reached.wire), ...(spoil && { spoil }) };
    },
  };
}

/** A way by BIND: the peer connects to the proxy. */
function bound(name: string, level: Level): Way {
  return {
    name,
    kinds: ["ours", level, "BIND"],
    abilities: level === "unprotected" ? [] : ["spoil"],
    async open({ stack, signal, needs }): Promise<Opened> {
      const { dial: dialled, port = 1080 } = await overTcp(stack, false);
      const { dial, spoil } = needs === "spoil" ? spoiling(dialled) : { dial: dialled, spoil: undefined };
      const pending = stack.use(
        await bind({ proxy: { hostname: "localhost", port }, ...atLevel(level), dial, signal }),
      );
      const [stream, conn] = await Promise.all([pending.accept(), Deno.connect(pending.bound)]);
      const peer = stack.use(new Peer(conn));
      // Until accept() gives what connect() gives this is not to be had.
      return { stream: stream as unknown as ByteStream, peer, ...(spoil && { spoil }) };
    },
  };
}

/** Ways that have TLS in them. */
function ofTls(tls: { cert: string; key: string }): Way[] {
  return [
    direct("Deno.connectTls", ["Deno TLS"], tls),
    through("TLS, none", { tls, reach: overTcp, level: "none", kind: "TLS" }),
    through("TLS, confidentiality", { tls, reach: overTcp, level: "confidentiality", kind: "TLS" }),
    through("a proxy in TLS, none", { reach: overTls(tls), level: "unprotected", kind: "proxy in TLS" }),
    through("a proxy in TLS, confidentiality", { reach: overTls(tls), level: "confidentiality", kind: "proxy in TLS" }),
  ];
}

/** Every way. */
export const WAYS: readonly Way[] = [
  direct("Deno.connect", []),
  through("no authentication", { reach: overTcp, level: "unprotected", kind: "TCP" }),
  through("none", { reach: overTcp, level: "none", kind: "TCP" }),
  through("integrity", { reach: overTcp, level: "integrity", kind: "TCP" }),
  through("selective", { reach: overTcp, level: "selective", kind: "TCP" }),
  through("confidentiality", { reach: overTcp, level: "confidentiality", kind: "TCP" }),
  through("a WebSocket, none", { reach: overWebSocket, level: "unprotected", kind: "WebSocket" }),
  through("a WebSocket, confidentiality", { reach: overWebSocket, level: "confidentiality", kind: "WebSocket" }),
  through("streams, none", { reach: overStreams, level: "unprotected", kind: "streams" }),
  through("streams, confidentiality", { reach: overStreams, level: "confidentiality", kind: "streams" }),
  through("a Unix socket, none", { reach: overUnix, level: "unprotected", kind: "Unix" }),
  bound("BIND, none", "unprotected"),
  bound("BIND, confidentiality", "confidentiality"),
  ...(identity === undefined ? [] : ofTls(identity)),
];
