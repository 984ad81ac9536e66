/**
 * Every way of getting a byte stream to a peer.
 *
 * @module
 */
import type { Certificate } from "../support/certificate.ts";
import { bind, connect, type ConnectOptions, connectTls } from "../../mod.ts";
import { meet, Peer, type Wire } from "./peer.ts";
import {
  atLevel,
  identity,
  type Level,
  overNode,
  overNodeTls,
  overStreams,
  overTcp,
  overTls,
  overUnix,
  overWebSocket,
  type Reach,
  spoiling,
} from "./proxies.ts";

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
  /** From then on, bytes that come from the proxy have one byte wrong at a time. */
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
function direct(name: string, kinds: readonly string[], tls?: Certificate): Way {
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
async function met(stack: AsyncDisposableStack, needs: Ability | undefined, tls?: Certificate) {
  const wired = needs === "reset" || (needs === "cut" && tls !== undefined);
  return stack.use(await meet({ ...(tls && { tls }), wired }));
}

/** What a wire can do to a connection. */
function failing(wire: Wire | undefined): Pick<Opened, "cut" | "reset" | "arrives"> {
  if (wire === undefined) return {};
  return { cut: () => wire.cut(), reset: () => wire.reset(), arrives: (send) => wire.arrives(send) };
}

/** A way through a proxy to a peer. */
interface Through {
  /** Whether the peer is on TLS. */
  readonly tls?: Certificate | undefined;
  readonly reach: Reach;
  readonly level: Level;
  /** What it is called in exceptions, beside its level. */
  readonly kind: string;
}

function through(name: string, { tls, reach, level, kind }: Through): Way {
  const abilities: Ability[] = ["reset"];
  const isProtected = level !== "unprotected" && level !== "none";
  if (isProtected && tls === undefined) abilities.push("spoil");
  if (kind.includes("TLS")) abilities.push("cut");
  return {
    name,
    kinds: ["ours", level, kind, ...(isProtected ? [`protected ${kind}`] : [])],
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
      return { stream, peer, ...(spoil && { spoil }) };
    },
  };
}

/** Ways that have TLS in them. */
function ofTls(tls: Certificate): Way[] {
  return [
    direct("Deno.connectTls", ["Deno TLS"], tls),
    through("TLS, none", { tls, reach: overTcp, level: "none", kind: "TLS" }),
    through("TLS, confidentiality", { tls, reach: overTcp, level: "confidentiality", kind: "TLS" }),
    through("a proxy in TLS, none", { reach: overTls(tls), level: "unprotected", kind: "proxy in TLS" }),
    through("a proxy in TLS, confidentiality", { reach: overTls(tls), level: "confidentiality", kind: "proxy in TLS" }),
    through("node:tls, none", { reach: overNodeTls(tls), level: "unprotected", kind: "node in TLS" }),
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
  through("node:net, none", { reach: overNode, level: "unprotected", kind: "node" }),
  through("node:net, confidentiality", { reach: overNode, level: "confidentiality", kind: "node" }),
  through("a WebSocket, none", { reach: overWebSocket, level: "unprotected", kind: "WebSocket" }),
  through("a WebSocket, confidentiality", { reach: overWebSocket, level: "confidentiality", kind: "WebSocket" }),
  through("streams, none", { reach: overStreams, level: "unprotected", kind: "streams" }),
  through("streams, confidentiality", { reach: overStreams, level: "confidentiality", kind: "streams" }),
  through("a Unix socket, none", { reach: overUnix, level: "unprotected", kind: "Unix" }),
  bound("BIND, none", "unprotected"),
  bound("BIND, confidentiality", "confidentiality"),
  ...(identity === undefined ? [] : ofTls(identity)),
];
