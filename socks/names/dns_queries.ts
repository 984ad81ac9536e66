/**
 * Queries to name servers: over UDP, and over TCP if the answer does not fit (RFC 1035 section 4.2, RFC 7766).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { abortable } from "../../base/deadline.ts";
import { randomBytes } from "../../base/runtime.ts";
import type { Connection, Dialer } from "../stream/connection.ts";
import type { BindDatagrams, DatagramSocket } from "../stream/datagram_socket.ts";
import type { Endpoint } from "../wire/address.ts";
import { withoutZone } from "../wire/ip.ts";
import { type Answer, decodeAnswer, encodeQuestion, type Question } from "./dns_message.ts";

/** Sockets for queries. The platform provides them. */
export interface QuerySockets {
  /** Binds a UDP socket. */
  readonly bind: BindDatagrams;
  /** Connects over TCP. */
  readonly dial: Dialer;
}

/** A query that waits for its answer. */
interface PendingQuery {
  readonly question: Question;
  readonly server: Endpoint;
  readonly answered: (answer: Answer) => void;
}

/**
 * The queries of one look-up. They share one UDP socket for each address family of name servers. An attacker who forges an answer
 * must guess both the port and the ID.
 */
export class DnsQueries implements Disposable {
  readonly #make: QuerySockets;
  readonly #sockets = new Map<"0.0.0.0" | "::", Promise<DatagramSocket>>();
  readonly #pending = new Map<number, PendingQuery>();
  #closed = false;

  /** @param sockets Makes the sockets. */
  constructor(sockets: QuerySockets) {
    this.#make = sockets;
  }

  /**
   * Sends a query and returns the answer.
   *
   * @param tcp Whether to use TCP only.
   * @throws {unknown} The signal's reason, or the system's error on the way to the server.
   */
  async query(
    server: Endpoint,
    { name, type }: Pick<Question, "name" | "type">,
    { tcp, signal }: { readonly tcp: boolean; readonly signal: AbortSignal },
  ): Promise<Answer> {
    const question = { id: this.#freeId(), name, type };
    if (!tcp) {
      const answer = await this.#overUdp(server, question, signal);
      if (!answer.truncated) return answer;
    }
    return await this.#overTcp(server, question, signal);
  }

  async #overUdp(server: Endpoint, question: Question, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#pending.set(question.id, { question, server, answered: resolve });
    try {
      const socket = await this.#socketFor(server);
      await abortable(socket.send(encodeQuestion(question), server), signal);
      return await abortable(promise, signal);
    } finally {
      this.#pending.delete(question.id);
    }
  }

  async #overTcp(server: Endpoint, question: Question, signal: AbortSignal): Promise<Answer> {
    const connection = await this.#make.dial(server, { signal });
    try {
      return await abortable(exchange(connection, question), signal);
    } finally {
      connection.close();
    }
  }

  #freeId(): number {
    for (;;) {
      const [high, low] = randomBytes(2) as unknown as [number, number];
      const id = (high << 8) | low;
      if (!this.#pending.has(id)) return id;
    }
  }

  async #socketFor({ hostname }: Endpoint): Promise<DatagramSocket> {
    const unspecified = hostname.includes(":") ? "::" : "0.0.0.0";
    let binding = this.#sockets.get(unspecified);
    if (binding === undefined) {
      binding = this.#make.bind({
        hostname: unspecified,
        port: 0,
        onDatagram: (bytes, from) => this.#receive(bytes, from),
      });
      this.#sockets.set(unspecified, binding);
    }
    const socket = await binding;
    if (this.#closed) {
      socket.close();
      throw new Error("The look-up is over");
    }
    return socket;
  }

  #receive(bytes: Bytes, from: Endpoint): void {
    const pending = bytes.length < 2 ? undefined : this.#pending.get((bytes[0]! << 8) | bytes[1]!);
    if (pending === undefined || !isFrom(from, pending.server)) return;
    const answer = decodeAnswer(bytes, pending.question);
    if (answer !== undefined) pending.answered(answer);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const binding of this.#sockets.values()) binding.then((socket) => socket.close(), () => {});
  }
}

function isFrom(sender: Endpoint, server: Endpoint): boolean {
  return sender.port === server.port && withoutZone(sender.hostname) === withoutZone(server.hostname);
}

/** RFC 1035 section 4.2.2: over TCP, a length of two bytes precedes each message. */
async function exchange(connection: Connection, question: Question): Promise<Answer> {
  const message = encodeQuestion(question);
  await connection.write(Uint8Array.from([message.length >> 8, message.length & 0xff, ...message]));
  const head = await readExactly(connection, 2);
  const answer = decodeAnswer(await readExactly(connection, (head[0]! << 8) | head[1]!), question);
  if (answer === undefined) throw new Error("The message over TCP does not answer the question");
  return answer;
}

async function readExactly(connection: Connection, length: number): Promise<Uint8Array> {
  const whole = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const bytes = await connection.read(new Uint8Array(length - at));
    if (bytes === null) throw new Error("The name server ended its answer early");
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}
