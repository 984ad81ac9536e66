/**
 * Scripted UDP sockets in memory, and associations over them.
 *
 * @module
 */
import { type Bytes, concat } from "../../base/bytes.ts";
import { AssociateCommand, type AssociateOptions } from "../../socks/server/commands/associate.ts";
import type { DroppedDatagrams } from "../../socks/server/datagrams/counts.ts";
import { parseRuleText } from "../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../socks/rules/rule_set.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { SocksServerOptions } from "../../socks/server/options.ts";
import type { Identity } from "../../socks/identity.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { datagramsByClock, type DatagramsDirectlyOptions } from "../../socks/server/datagrams/direct.ts";
import type { DatagramEgress, EgressListener, OpenDatagrams } from "../../socks/server/targets/target.ts";
import type { BindDatagrams, BindDatagramsOptions } from "../../socks/stream/datagram_socket.ts";
import { decodeDatagram, encodeDatagram } from "../../socks/wire/datagram.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { decodeReply, encodeRequest, type Reply } from "../../socks/wire/messages.ts";
import { until } from "./waiting.ts";
import { makeServer } from "./memory_server.ts";
import { pipe, type PipeEnd } from "./pipe.ts";

/** Returns an error with a system's code. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by the test`), { code });
}

/** A socket of {@linkcode ScriptedUdp}. */
export interface ScriptedSocket extends BindDatagramsOptions {
  /** Sent datagrams and their destinations. */
  readonly sent: { readonly text: string; readonly to: string; readonly bytes: Bytes }[];
  closed: boolean;
}

/** Creates sockets in memory. */
export class ScriptedUdp {
  readonly sockets: ScriptedSocket[] = [];
  /** Attempts to bind, failed ones included. */
  readonly asked: string[] = [];
  /** The error of binding at an address. */
  failBind: (options: BindDatagramsOptions) => Error | undefined = () => undefined;
  /** The error of sending; nothing is sent then. */
  failSend: (to: Endpoint, socket: ScriptedSocket) => Error | undefined = () => undefined;
  /** What sending takes. */
  sending: Promise<void> = Promise.resolve();
  #port = 40_000;

  readonly bind: BindDatagrams = (options) => {
    this.asked.push(formatEndpoint(options));
    const failure = this.failBind(options);
    if (failure !== undefined) return Promise.reject(failure);
    const socket: ScriptedSocket = { ...options, port: options.port || ++this.#port, sent: [], closed: false };
    this.sockets.push(socket);
    return Promise.resolve({
      local: { hostname: options.hostname, port: socket.port },
      send: (bytes, to) => {
        const error = socket.closed ? new Error("Socket is closed") : this.failSend(to, socket);
        if (error !== undefined) return Promise.reject(error);
        const text = new TextDecoder().decode(bytes);
        socket.sent.push({ text, to: formatEndpoint(to), bytes: new Uint8Array(bytes) });
        return this.sending;
      },
      close: () => void (socket.closed = true),
    });
  };

  /** Destinations of all sent datagrams, in order within each socket. */
  get sent(): string[] {
    return this.sockets.flatMap(({ sent }) => sent.map(({ text, to }) => `${text} to ${to}`));
  }
}

/** Result of {@linkcode scriptedEgress}. */
export interface ScriptedEgress {
  readonly udp: ScriptedUdp;
  readonly clock: { time: number };
  /** Datagrams from targets that were not dropped. */
  readonly got: readonly string[];
  readonly drops: readonly string[];
  readonly egress: DatagramEgress;
  send(text: string, hostname: string, onWait?: () => void, port?: number): Promise<void>;
}

/** Creates the egress of an association over scripted sockets and a manual clock. */
export async function scriptedEgress(
  options: Partial<DatagramsDirectlyOptions> = {},
  rules: readonly string[] = ["allow *"],
  identity: Identity = { method: "none", name: "", attributes: {} },
): Promise<ScriptedEgress> {
  const udp = new ScriptedUdp();
  const clock = { time: 0 };
  const got: string[] = [];
  const drops: string[] = [];
  const made = { rules: () => new RuleSet(rules.map((text) => parseRuleText(text))) };
  const open = datagramsByClock(
    { ...made, resolve: () => Promise.reject(new Error("no names here")), bind: udp.bind, ...options },
    () => clock.time,
  );
  const egress = await open(
    {
      command: "udp",
      hostname: "0.0.0.0",
      port: 0,
      identity,
      protection: "none",
      source: "192.0.2.7",
      signal: new AbortController().signal,
    },
    {
      onDatagram: (data, from) => void got.push(`${new TextDecoder().decode(data)} from ${formatEndpoint(from)}`),
      onDrop: (reason) => void drops.push(reason),
      onEnd: () => void drops.push("end"),
    },
  );
  const send = (text: string, hostname: string, onWait?: () => void, port = 53) =>
    egress.send(new TextEncoder().encode(text), { hostname, port }, { onWait });
  return { udp, clock, got, drops, egress, send };
}

/** An association in memory, seen from its client. */
export interface MemoryAssociation {
  readonly near: PipeEnd;
  readonly reply: Reply;
  readonly events: ServerEvent[];
  /** The socket towards the client, the first one created. */
  readonly facing: ScriptedSocket;
  /** Delivers a datagram to that socket. */
  come(text: string, from: Endpoint, to?: Endpoint): void;
  /** Datagrams that the client received: text and address. */
  answers(): string[];
  /** Ends the association; returns what was dropped, and the counts. */
  end(): Promise<{ sent: number; received: number; moved: number; drops: Partial<DroppedDatagrams> }>;
}

/** Opens an association over a connection in memory, in clear. */
export async function memoryAssociation(
  udp: ScriptedUdp,
  options: Omit<AssociateOptions, "bind">,
  ends: Pick<Connection, "local" | "remote" | "relayedBy">,
  server: Partial<SocksServerOptions> = {},
): Promise<MemoryAssociation> {
  const associate = new AssociateCommand({ ...options, bind: udp.bind });
  const { server: made, events } = makeServer({ associate, ...server });
  const [near, far] = pipe();
  const served = made.serve({ ...far, remote: undefined, ...ends });
  await near.write(concat(Uint8Array.of(5, 1, 0), encodeRequest({ command: 3, hostname: "0.0.0.0", port: 0 })));
  await until(() => far.sent().length > 2);
  const reply = decodeReply(far.sent().subarray(2))!.value;
  return {
    near,
    reply,
    events,
    facing: udp.sockets[0]!,
    come: (text, from, to = { hostname: "9.9.9.9", port: 53 }) =>
      udp.sockets.findLast(({ closed, port }) => !closed && port === reply.port)!
        .onDatagram(encodeDatagram(to, new TextEncoder().encode(text)), from),
    answers: () =>
      udp.sockets.filter(({ port }) => port === reply.port).flatMap(({ sent }) =>
        sent.map(({ bytes, to }) => `${new TextDecoder().decode(decodeDatagram(bytes).data)} to ${to}`)
      ),
    async end() {
      await near.closeWrite();
      await served;
      await made[Symbol.asyncDispose]();
      const last = events.at(-1)!;
      if (last.type !== "closed" || last.datagrams === undefined) throw new Error(`Association ended as ${last.type}`);
      const { dropped, ...counts } = last.datagrams;
      return { ...counts, drops: Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0)) };
    },
  };
}

/** The side of an association that faces targets: keeps what is sent, and answers from `9.9.9.9:53`. */
export function scriptedTargets(more: Partial<DatagramEgress> = {}): {
  readonly open: OpenDatagrams;
  readonly sent: string[];
  readonly answer: (text: string) => void;
} {
  const sent: string[] = [];
  let listener: EgressListener | undefined;
  const open: OpenDatagrams = (_request, given) => {
    listener = given;
    return Promise.resolve({
      send: (data) => Promise.resolve(void sent.push(new TextDecoder().decode(data))),
      close() {},
      ...more,
    });
  };
  const answer = (text: string) =>
    listener!.onDatagram(new TextEncoder().encode(text), { hostname: "9.9.9.9", port: 53 });
  return { open, sent, answer };
}
