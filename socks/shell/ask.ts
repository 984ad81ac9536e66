/**
 * Questions to name servers: over UDP, and over TCP where the answer does not fit (RFC 1035 section 4.2, RFC 7766).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { abortable } from "../../base/deadline.ts";
import { randomBytes } from "../../base/runtime.ts";
import type { Connection } from "../stream/connection.ts";
import { dialTcp } from "./tcp.ts";
import { bindUdp } from "./udp.ts";
import type { DatagramSocket } from "../stream/datagram_socket.ts";
import type { Endpoint } from "../wire/address.ts";
import { canonicalAddress } from "../wire/ip.ts";
import { type Answer, decodeAnswer, encodeQuestion, type Question } from "../names/message.ts";

/** A question that is out. */
interface Open {
  readonly question: Question;
  readonly server: Endpoint;
  readonly answered: (answer: Answer) => void;
}

/** Sockets for the questions of one look-up: one for each family of name servers. Whoever would answer in a server's place has to guess port and number. */
export class Questions implements Disposable {
  readonly #sockets = new Map<"0.0.0.0" | "::", Promise<DatagramSocket>>();
  readonly #open = new Map<number, Open>();
  #closed = false;

  /**
   * Asks.
   *
   * @param tcp Whether over TCP from the start.
   * @throws {unknown} The signal's reason, or what the system says of the way to the server.
   */
  async ask(
    server: Endpoint,
    { name, type }: Pick<Question, "name" | "type">,
    { tcp, signal }: { readonly tcp: boolean; readonly signal: AbortSignal },
  ): Promise<Answer> {
    const question = { id: this.#freeId(), name, type };
    if (!tcp) {
      const answer = await this.#overUdp(server, question, signal);
      if (!answer.truncated) return answer;
    }
    return await askTcp(server, question, signal);
  }

  async #overUdp(server: Endpoint, question: Question, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#open.set(question.id, { question, server, answered: resolve });
    try {
      const socket = await this.#socketFor(server);
      await abortable(socket.send(encodeQuestion(question), server), signal);
      return await abortable(promise, signal);
    } finally {
      this.#open.delete(question.id);
    }
  }

  #freeId(): number {
    for (;;) {
      const [high, low] = randomBytes(2) as unknown as [number, number];
      const id = (high << 8) | low;
      if (!this.#open.has(id)) return id;
    }
  }

  async #socketFor({ hostname }: Endpoint): Promise<DatagramSocket> {
    const any = hostname.includes(":") ? "::" : "0.0.0.0";
    let made = this.#sockets.get(any);
    if (made === undefined) {
      made = bindUdp({ hostname: any, port: 0, onDatagram: (bytes, from) => this.#take(bytes, from) });
      this.#sockets.set(any, made);
    }
    const socket = await made;
    if (this.#closed) {
      socket.close();
      throw new Error("The look-up is over");
    }
    return socket;
  }

  #take(bytes: Bytes, from: Endpoint): void {
    const open = bytes.length < 2 ? undefined : this.#open.get((bytes[0]! << 8) | bytes[1]!);
    if (open === undefined || from.port !== open.server.port || bare(from.hostname) !== bare(open.server.hostname)) {
      return;
    }
    const answer = decodeAnswer(bytes, open.question);
    if (answer !== undefined) open.answered(answer);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const made of this.#sockets.values()) made.then((socket) => socket.close(), () => {});
  }
}

function bare(address: string): string {
  return canonicalAddress(address.replace(/%.*$/, ""));
}

async function askTcp(server: Endpoint, question: Question, signal: AbortSignal): Promise<Answer> {
  const connection = await dialTcp(server, { signal });
  try {
    return await abortable(exchange(connection, question), signal);
  } finally {
    connection.close();
  }
}

/** RFC 1035 section 4.2.2: two bytes of length in front of each message. */
async function exchange(connection: Connection, question: Question): Promise<Answer> {
  const message = encodeQuestion(question);
  await connection.write(Uint8Array.from([message.length >> 8, message.length & 0xff, ...message]));
  const head = await readExactly(connection, 2);
  const answer = decodeAnswer(await readExactly(connection, (head[0]! << 8) | head[1]!), question);
  if (answer === undefined) throw new Error("What came over TCP is no answer to the question");
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
