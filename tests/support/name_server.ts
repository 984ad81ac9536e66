/**
 * A scripted name server on loopback, over UDP and TCP.
 *
 * @module
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { parseIp } from "../../socks/wire/ip.ts";

/** Numbers of record types. */
export const TYPES: Readonly<Record<string, number>> = { A: 1, CNAME: 5, PTR: 12, AAAA: 28 };

/** A record: owner, type and value. */
export type Said = readonly [owner: string, type: string, value: string];

/** The answer to a query; `undefined` for none at all. */
export interface Reply {
  /** RCODE. @default {0} */
  readonly code?: number;
  /** Answer section. */
  readonly records?: readonly Said[];
  /** Whether the answer is truncated over UDP. */
  readonly truncated?: boolean;
  /** Whether the answer comes from another port over UDP. */
  readonly elsewhere?: boolean;
  /** Changes the encoded answer. */
  readonly forge?: (message: Uint8Array) => Uint8Array;
}

/** Answers a query. */
export type Script = (
  name: string,
  type: string,
  over: "udp" | "tcp",
) => Reply | undefined | Promise<Reply | undefined>;

/** A running name server. */
export interface ScriptedNameServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** Received queries: `name type`. */
  readonly questions: readonly string[];
  /** Resolved after `count` queries. */
  asked(count: number): Promise<void>;
}

/** Encodes a name without compression. Dots separate labels; `\\046` and the like stand for bytes. */
export function encodeName(name: string): number[] {
  const labels = name === ""
    ? []
    : name.split(".").map((label) =>
      [...label.matchAll(/\\(\d{3})|([^])/g)].map(([, code, character]) =>
        code === undefined ? character!.charCodeAt(0) : Number(code)
      )
    );
  return [...labels.flatMap((label) => [label.length, ...label]), 0];
}

function encodeRecord([owner, type, value]: Said): number[] {
  const data = type === "A" || type === "AAAA" ? [...parseIp(value)!] : encodeName(value);
  return [...encodeName(owner), 0, TYPES[type]!, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255, ...data];
}

/** Encodes a response. */
export function encodeReply(
  question: Uint8Array,
  { code = 0, records = [], truncated = false, forge }: Reply,
): Uint8Array {
  let end = 12;
  while (question[end] !== 0) end += question[end]! + 1;
  const head = [question[0]!, question[1]!, 0x81 | (truncated ? 2 : 0), 0x80 | code, 0, 1];
  const message = Uint8Array.from([
    ...[...head, records.length >> 8, records.length & 255, 0, 0, 0, 0],
    ...question.subarray(12, end + 5),
    ...records.flatMap(encodeRecord),
  ]);
  return forge === undefined ? message : forge(message);
}

function questionOf(message: Uint8Array): [name: string, type: string] {
  const labels: string[] = [];
  let at = 12;
  for (; message[at] !== 0; at += message[at]! + 1) {
    labels.push(new TextDecoder().decode(message.subarray(at + 1, at + 1 + message[at]!)));
  }
  const number = message[at + 2]!;
  return [labels.join("."), Object.keys(TYPES).find((type) => TYPES[type] === number) ?? String(number)];
}

/** Attempts to find a port that is free for both. */
const TRIES = 50;

/** Binds both sockets to one port: a port that is free for TCP may be taken for UDP. */
async function bindBoth(hostname: string, wanted: number): Promise<{ tcp: Deno.TcpListener; udp: Socket }> {
  for (let tries = 1;; tries++) {
    const tcp = Deno.listen({ hostname, port: wanted });
    const udp = createSocket(hostname.includes(":") ? "udp6" : "udp4");
    try {
      await new Promise<void>((bound, failed) => {
        udp.once("error", failed);
        udp.bind(tcp.addr.port, hostname, bound);
      });
      return { tcp, udp };
    } catch (error) {
      tcp.close();
      udp.close();
      if (wanted !== 0 || tries === TRIES) throw error;
    }
  }
}

/** Starts a scripted name server. */
export async function startNameServer(
  script: Script,
  { hostname = "127.0.0.1", port: wanted = 0 }: { readonly hostname?: string; readonly port?: number } = {},
): Promise<ScriptedNameServer> {
  const questions: string[] = [];
  let wake = Promise.withResolvers<void>();
  const answer = async (message: Uint8Array, over: "udp" | "tcp"): Promise<[Uint8Array, Reply] | undefined> => {
    const [name, type] = questionOf(message);
    questions.push(`${name} ${type}`);
    wake.resolve();
    wake = Promise.withResolvers();
    const reply = await script(name, type, over);
    return reply === undefined ? undefined : [encodeReply(message, reply), reply];
  };
  const { tcp, udp } = await bindBoth(hostname, wanted);
  const { port } = tcp.addr;
  udp.on("message", async (message: Uint8Array, from: RemoteInfo) => {
    const reply = await answer(message, "udp");
    if (reply === undefined) return;
    const [bytes, { elsewhere }] = reply;
    const socket = elsewhere ? createSocket("udp4") : udp;
    socket.send(bytes, from.port, from.address, () => {
      if (socket !== udp) socket.close();
    });
  });
  const serving = (async () => {
    for await (const conn of tcp) void overTcp(conn, async (message) => (await answer(message, "tcp"))?.[0]);
  })();
  return {
    hostname,
    port,
    questions,
    async asked(count: number): Promise<void> {
      while (questions.length < count) await wake.promise;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      tcp.close();
      await serving.catch(() => {});
      await new Promise<void>((closed) => void udp.close(() => closed()));
    },
  };
}

async function overTcp(
  conn: Deno.Conn,
  answer: (message: Uint8Array) => Promise<Uint8Array | undefined>,
): Promise<void> {
  using _closed = conn;
  const buffer = new Uint8Array(1024);
  const count = await conn.read(buffer).catch(() => null);
  // A query is so short that it comes in one read.
  if (count === null) return;
  const reply = await answer(buffer.slice(2, count));
  if (reply === undefined) return;
  const writer = conn.writable.getWriter();
  await writer.write(Uint8Array.from([reply.length >> 8, reply.length & 255, ...reply])).catch(() => {});
}
