/**
 * The proxy that a client under test meets, step by step: each part of the kit plays some steps as the RFCs say, and one as it likes.
 *
 * @module
 */
import { type Bytes, concat, sameBytes, utf8 } from "../../base/bytes.ts";
import { abortable, startDeadline } from "../../base/deadline.ts";
import type { GssAcceptorCredential } from "../../gss/credential.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import {
  decodeOffer,
  decodeRequest,
  encodeReply,
  Method,
  type Reply,
  type Request,
} from "../../socks/wire/messages.ts";
import { encodeAbort, encodeFrame, FrameType } from "../../socks/wire/gssapi.ts";
import type { Arrivals } from "../arrivals.ts";
import { expect, Failed, Skipped } from "../check.ts";
import { GssSession, type ProtectedMessage } from "../gss_session.ts";
import { shown } from "../hex.ts";
import { PAGE_END, PAGE_START, pageHead } from "./page.ts";
import { Raw, type Times } from "../raw.ts";

/** How a client ended. */
export interface ClientEnd {
  /** Exit code; `undefined` where there is none. */
  readonly code?: number | undefined;
  /** What it wrote. */
  readonly output: string;
}

/** A client under test that was started. */
export interface RunningClient {
  /** Settles when it has ended. */
  readonly ended: Promise<ClientEnd>;
  /** Ends it. */
  stop(): void;
}

/** How long a program may take to start, in milliseconds, before it has to answer. */
const START = 5_000;

const BOUND: Reply = { reply: 0, hostname: "192.0.2.7", port: 1080 };

/** How messages are sent: whole, or in another way. */
export type Sender = (raw: Raw, bytes: Uint8Array) => Promise<void>;

const whole: Sender = (raw, bytes) => raw.send(bytes);

/** A request of the client, and how it was protected. */
export interface ClientRequest extends ProtectedMessage {
  readonly request: Request;
}

/** One start of the client under test. */
export class Stage implements AsyncDisposable {
  /** How the kit's messages are sent. */
  send: Sender = whole;
  readonly #arrivals: Arrivals<Connection>;
  readonly #credential: GssAcceptorCredential | undefined;
  readonly #times: Times;
  readonly #client: RunningClient;
  readonly #shows: boolean;
  readonly #open: Raw[] = [];
  #session: GssSession | undefined;

  constructor(
    client: RunningClient,
    lab: {
      readonly arrivals: Arrivals<Connection>;
      readonly credential: GssAcceptorCredential | undefined;
      readonly times: Times;
      readonly shows: boolean;
    },
  ) {
    this.#shows = lab.shows;
    this.#client = client;
    this.#arrivals = lab.arrivals;
    this.#credential = lab.credential;
    this.#times = lab.times;
  }

  /** Returns the client's connection and the methods that it offers. */
  async offer(): Promise<{ readonly raw: Raw; readonly methods: readonly number[] }> {
    const connection = await this.#arrivals.next(this.#times.answer + START);
    if (connection === undefined) throw new Failed("a connection of the client to the proxy", "none in time");
    const raw = new Raw(connection, this.#times);
    this.#open.push(raw);
    return { raw, methods: await raw.message(decodeOffer, "05, a number of methods and the methods") };
  }

  /** Chooses a method; skips the part if the client does not offer it. */
  async chosen(method: number): Promise<Raw> {
    const { raw, methods } = await this.offer();
    if (!methods.includes(method)) {
      throw new Skipped(`the client does not offer the method; it offers ${methods.join(", ")}`);
    }
    await this.send(raw, Uint8Array.of(5, method));
    return raw;
  }

  /** Reads the client's first token. */
  async firstToken(): Promise<{ readonly raw: Raw; readonly token: Bytes }> {
    const raw = await this.chosen(Method.Gssapi);
    const { type, token } = await raw.frame("a token, in a message of type 1");
    expect(type === FrameType.Authentication && token.length > 0, "a token, in a message of type 1", `type ${type}`);
    return { raw, token };
  }

  /**
   * Establishes a context; `change` may change the tokens of the acceptor. Unless the part judges that, it skips a client whose tokens
   * the service refuses: the fault is found once.
   */
  async context(
    { change = (frame) => frame, judges = false }: {
      readonly change?: (frame: Bytes) => Uint8Array;
      readonly judges?: boolean;
    } = {},
  ): Promise<GssSession> {
    if (this.#credential === undefined) throw new Skipped("there is no key of the service");
    const { raw, token: first } = await this.firstToken();
    const negotiation = this.#credential.accept();
    for (let token = first;;) {
      const step = await negotiation.step(token).catch((error) => {
        if (!judges) throw new Skipped("the client establishes no context; see client.context");
        throw new Failed("a token that the service accepts", `${shown(token)}: ${(error as Error).message}`);
      });
      const frame = encodeFrame(FrameType.Authentication, step.token ?? new Uint8Array(0));
      await this.send(raw, change(frame));
      if (step.done) return this.#session = new GssSession(raw, step.context);
      token = (await raw.frame("the next token")).token;
    }
  }

  /** Reads the level that the client asks for, without an answer. */
  async asked(session: GssSession): Promise<{ readonly level: number; readonly confidential: boolean }> {
    const what = "a level, one byte in a token of type 2";
    const { data, confidential } = await session.next(FrameType.Protection, what);
    expect(data.length === 1, what, shown(data));
    return { level: data[0]!, confidential };
  }

  /** Establishes a context, and grants the level that the client asks for. */
  async agreed(): Promise<GssSession> {
    const session = await this.context();
    const { level } = await this.asked(session);
    await this.grant(session, level);
    session.level = level;
    return session;
  }

  /** As {@linkcode agreed}, for parts about protection. */
  async protected(): Promise<GssSession> {
    const session = await this.agreed();
    if (session.level === 0) throw new Skipped("the client asks for level 0, without protection");
    return session;
  }

  /** As {@linkcode agreed}, for parts about encryption. */
  async sealed(): Promise<GssSession> {
    const session = await this.protected();
    if (session.level !== 2) throw new Skipped(`the client asks for level ${session.level}, not for 2`);
    return session;
  }

  async grant(session: GssSession, level: number, confidential = false): Promise<void> {
    const message = Uint8Array.of(level);
    await this.send(session.raw, await session.frame(message, { confidential, type: FrameType.Protection }));
  }

  /** Reads the client's request. Unless the part judges that, it skips a client that does not protect it: the fault is found once. */
  async requested(session: GssSession, { judges = false }: { readonly judges?: boolean } = {}): Promise<ClientRequest> {
    const what = "a request (RFC 1928 section 4)";
    if (session.level > 0 && !judges && (await session.raw.peek(what))[0] === 5) {
      throw new Skipped("the client sends its request in clear; see client.request");
    }
    if (session.level === 0) {
      const request = await session.raw.message(decodeRequest, what);
      return { request, type: 0, token: new Uint8Array(0), data: new Uint8Array(0), confidential: false };
    }
    const message = await session.next(FrameType.Encapsulation, `${what} in a token of type 3`);
    let request: Request | undefined;
    try {
      request = decodeRequest(message.data)?.value;
    } catch {
      request = undefined;
    }
    if (request === undefined) throw new Failed(what, shown(message.data));
    return { ...message, request };
  }

  /** Sends a message as the level asks. */
  async tell(session: GssSession, ...messages: readonly Uint8Array[]): Promise<void> {
    const parts: Uint8Array[] = [];
    for (const message of messages) parts.push(session.level === 0 ? message : await session.frame(message));
    await this.send(session.raw, concat(...parts));
  }

  /** Grants the request. */
  async granted(session: GssSession, bound: Partial<Reply> = {}): Promise<void> {
    await this.requested(session);
    await this.tell(session, encodeReply({ ...BOUND, ...bound }));
  }

  /** Reads what the client says to the target: an HTTP request, or whatever it says before it is silent. */
  async heard(session: GssSession): Promise<ProtectedMessage | undefined> {
    if (session.level === 0) {
      await session.raw.drainTo(utf8("\r\n\r\n"));
      return undefined;
    }
    let heard: ProtectedMessage | undefined;
    let text = new Uint8Array(0) as Bytes;
    while (!endsHead(text) && await session.raw.hasMore()) {
      heard = await session.next(FrameType.Encapsulation, "data in a token of type 3");
      text = concat(text, heard.data);
    }
    return heard;
  }

  /** Plays the rest of a session: the target answers with the page, and ends. */
  async page(session: GssSession): Promise<void> {
    await this.heard(session);
    await this.tell(session, pageHead(PAGE_START.length + PAGE_END.length), PAGE_START, PAGE_END);
    await session.raw.finish();
    await this.succeeded();
  }

  /** Expects that the client has ended well, with the page. */
  async succeeded(): Promise<void> {
    this.#needsOutput();
    const text = new TextDecoder().decode(concat(PAGE_START, PAGE_END)).trim();
    const { code, output } = await this.#end("an end of the client");
    const good = (code === undefined || code === 0) && output.includes(text);
    expect(good, `exit code 0 and "${text}" in the output`, `exit code ${code}, output ${quoted(output)}`);
  }

  /** Expects that some bytes are not in the output of the client, which is stopped if it does not end by itself. */
  async notShown(bytes: Bytes): Promise<void> {
    this.#needsOutput();
    for (const raw of this.#open) await raw.finish();
    const { output } = await this.#end("an end of the client").catch(async (error) => {
      if (!(error instanceof Failed)) throw error;
      this.#client.stop();
      return await this.#client.ended;
    });
    const text = new TextDecoder().decode(bytes).trim();
    expect(!output.includes(text), `no "${text}" in the output`, quoted(output));
  }

  #needsOutput(): void {
    if (!this.#shows) throw new Skipped("the client shows nothing of what comes");
  }

  async #end(what: string): Promise<ClientEnd> {
    using deadline = startDeadline({
      milliseconds: this.#times.answer,
      reason: () => new Failed(what, "none in time"),
    });
    return await abortable(this.#client.ended, deadline);
  }

  /** Expects that the client gives up: it ends the connection, and says no more than `01 FF`. */
  async givesUp(raw: Raw, why: string): Promise<void> {
    const what = `an end of the connection, after ${why}`;
    const bytes = await raw.ended(what);
    expect(bytes.length === 0 || sameBytes(bytes, encodeAbort()), what, shown(bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.stop();
    for (const raw of this.#open) await raw.close();
    await this.#client.ended;
    for (const left of this.#arrivals.takeAll()) left.close();
    this.#session?.context.dispose();
  }
}

function endsHead(bytes: Bytes): boolean {
  return new TextDecoder().decode(bytes).includes("\r\n\r\n");
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}
