/**
 * The SOCKS version 5 handshake of both sides as a state machine without input and output (RFC 1928 sections 3 to 6).
 * {@linkcode TRANSITIONS} alone decides which message may follow which. Authentication happens between two states, outside of this
 * file: {@linkcode Handshake.trailingData} hands over bytes that came early.
 *
 * @module
 */
import {
  Command,
  decodeChoice,
  decodeOffer,
  decodeReply,
  decodeRequest,
  encodeChoice,
  encodeOffer,
  encodeReply,
  encodeRequest,
  Method,
  methodName,
  type Reply,
  type Request,
} from "./wire/messages.ts";
import type { Bytes } from "../base/bytes.ts";
import { replyCodeFor, SocksAuthError, SocksProtocolError } from "./errors.ts";
import { ReceiveBuffer } from "./wire/receive_buffer.ts";

/** A message of the handshake. */
export type HandshakeMessage =
  | { readonly type: "offer"; readonly methods: readonly number[] }
  | { readonly type: "choice"; readonly method: number }
  | { readonly type: "request"; readonly request: Request }
  | { readonly type: "reply"; readonly reply: Reply };

/** What changes the state: a message, or the end of authentication. BIND has two replies (RFC 1928 section 4). */
type Trigger = HandshakeMessage["type"] | "refusal" | "failure" | "first reply" | "authenticated";

/** State of a handshake; both sides go through the same states. */
export type HandshakeState =
  | "start"
  | "offered"
  | "authenticating"
  | "authenticated"
  | "requested"
  | "listening"
  | "open"
  | "closed";

/** Next state by state and trigger. A trigger that is missing breaks the protocol. */
const TRANSITIONS: Readonly<Record<HandshakeState, Partial<Record<Trigger, HandshakeState>>>> = {
  start: { offer: "offered" },
  offered: { choice: "authenticating", refusal: "closed" },
  authenticating: { authenticated: "authenticated" },
  authenticated: { request: "requested" },
  requested: { reply: "open", "first reply": "listening", failure: "closed" },
  listening: { reply: "open", failure: "closed" },
  open: {},
  closed: {},
};

/** Messages that a role receives; it sends the others. */
const RECEIVES: Readonly<Record<"client" | "server", readonly HandshakeMessage["type"][]>> = {
  client: ["choice", "reply"],
  server: ["offer", "request"],
};

/** Most bytes of an incomplete message. A request with a name of 255 bytes is the longest message, of 262 bytes. */
const LIMIT = 1024;

/** One side of a handshake. After an error it is closed for good. */
export class Handshake {
  readonly #role: "client" | "server";
  readonly #buffer = new ReceiveBuffer(LIMIT);
  #state: HandshakeState = "start";
  #offered: readonly number[] = [];
  #command: number | undefined;
  #refusal: Bytes | undefined;

  /**
   * Creates the handshake of one side.
   *
   * @param role The side.
   */
  constructor(role: "client" | "server") {
    this.#role = role;
  }

  /** Current state. */
  get state(): HandshakeState {
    return this.#state;
  }

  /** Adds bytes from the peer. */
  receive(bytes: Bytes): void {
    this.#buffer.push(bytes);
  }

  /**
   * Returns the next message of the peer; `undefined` while it is incomplete.
   *
   * @throws {SocksProtocolError} When the peer breaks the protocol.
   * @throws {SocksAuthError} `NO_ACCEPTABLE_METHOD`, `METHOD_NOT_OFFERED`
   */
  nextEvent(): HandshakeMessage | undefined {
    return this.#guarded(() => {
      const type = RECEIVES[this.#role].find((candidate) => candidate in TRANSITIONS[this.#state]);
      if (type === undefined) return undefined;
      const message = this.#decode(type);
      if (message !== undefined) this.#move(message);
      return message;
    });
  }

  /**
   * Returns the bytes of a message of this side.
   *
   * @throws {TypeError} When this side may not send that message now.
   */
  send(message: HandshakeMessage): Bytes {
    if (RECEIVES[this.#role].includes(message.type) || !(message.type in TRANSITIONS[this.#state])) {
      throw new TypeError(`Cannot send ${message.type}: a ${this.#role} in state "${this.#state}" may not send it`);
    }
    return this.#guarded(() => {
      const bytes = encodeMessage(message);
      this.#move(message);
      return bytes;
    });
  }

  /** Ends authentication; the request follows. */
  authenticated(): void {
    if (this.#state !== "authenticating") throw new TypeError(`Cannot end authentication in state "${this.#state}"`);
    this.#state = "authenticated";
  }

  /**
   * Ends the handshake because the peer ended the connection before its next message.
   *
   * @throws {SocksProtocolError} `UNEXPECTED_END`, always.
   */
  ended(wanted: HandshakeMessage["type"]): never {
    this.abandon();
    throw new SocksProtocolError("UNEXPECTED_END", `Peer closed the connection before its ${wanted}`);
  }

  /** Ends the handshake on this side. The reason decides the code of the {@linkcode Handshake.refusal}. */
  abandon(reason?: unknown): void {
    if (this.#role === "server" && this.#state === "authenticated" && this.#buffer.length > 0) {
      this.#refusal = encodeReply({ reply: replyCodeFor(reason), hostname: "0.0.0.0", port: 0 });
    }
    this.#state = "closed";
  }

  /**
   * Removes and returns the bytes to send to the peer after an error: a reply (RFC 1928 section 6) if a request could not be read;
   * `undefined` if the protocol has no answer.
   */
  refusal(): Bytes | undefined {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    return refusal;
  }

  /** Removes and returns the bytes behind the last message: they belong to authentication, or to the tunnel. */
  trailingData(): Bytes {
    return this.#buffer.takeAll();
  }

  #decode(type: HandshakeMessage["type"]): HandshakeMessage | undefined {
    switch (type) {
      case "offer": {
        const methods = this.#buffer.next(decodeOffer);
        return methods && { type, methods };
      }
      case "choice": {
        const method = this.#buffer.next(decodeChoice);
        return method === undefined ? undefined : { type, method };
      }
      case "request": {
        const request = this.#buffer.next(decodeRequest);
        return request && { type, request };
      }
      case "reply": {
        const reply = this.#buffer.next(decodeReply);
        return reply && { type, reply };
      }
    }
  }

  #move(message: HandshakeMessage): void {
    let trigger: Trigger = message.type;
    if (message.type === "offer") this.#offered = message.methods;
    if (message.type === "choice") {
      if (message.method === Method.NoneAcceptable) trigger = "refusal";
      else if (!this.#offered.includes(message.method)) throw this.#notOffered(message.method);
    }
    if (message.type === "request") this.#command = message.request.command;
    if (message.type === "reply") {
      if (message.reply.reply !== 0) trigger = "failure";
      else if (this.#command === Command.Bind && this.#state === "requested") trigger = "first reply";
    }
    const next = TRANSITIONS[this.#state][trigger];
    if (next === undefined) {
      throw new SocksProtocolError("UNEXPECTED_MESSAGE", `Cannot accept ${trigger} in state "${this.#state}"`);
    }
    this.#state = next;
    if (trigger === "refusal" && this.#role === "client") {
      throw new SocksAuthError(
        "NO_ACCEPTABLE_METHOD",
        `Proxy accepts none of the methods offered: ${this.#offered.map(methodName).join(", ")}`,
      );
    }
  }

  #notOffered(method: number): Error {
    const text = `${methodName(method)} was chosen but not offered`;
    return this.#role === "client"
      ? new SocksAuthError("METHOD_NOT_OFFERED", `Cannot use proxy: ${text}`)
      : new TypeError(`Cannot choose method: ${text}`);
  }

  #guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.abandon(error);
      throw error;
    }
  }
}

function encodeMessage(message: HandshakeMessage): Bytes {
  switch (message.type) {
    case "offer":
      return encodeOffer(message.methods);
    case "choice":
      return encodeChoice(message.method);
    case "request":
      return encodeRequest(message.request);
    case "reply":
      return encodeReply(message.reply);
  }
}
