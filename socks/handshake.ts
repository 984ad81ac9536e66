/**
 * The SOCKS version 5 handshake of both sides as a state machine without input and output (RFC 1928 sections 3 to 6).
 * Everything that decides what may follow what is in {@linkcode TRANSITIONS}. Authentication happens between two states
 * and is somebody else's: bytes that came early are handed over by {@linkcode Handshake.trailingData}.
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

/** Something that a side sends. */
export type HandshakeMessage =
  | { readonly type: "offer"; readonly methods: readonly number[] }
  | { readonly type: "choice"; readonly method: number }
  | { readonly type: "request"; readonly request: Request }
  | { readonly type: "reply"; readonly reply: Reply };

/** What a state may be left by: a message, or the end of authentication. A bind's first reply is followed by another. */
type Trigger = HandshakeMessage["type"] | "refusal" | "failure" | "first reply" | "authenticated";

/** Where a conversation stands; both sides go through the same states. */
export type HandshakeState =
  | "start"
  | "offered"
  | "authenticating"
  | "authenticated"
  | "requested"
  | "listening"
  | "open"
  | "closed";

/** What leads from where to where. What is not here is a breach of the protocol. */
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

/** Which messages a role receives; it sends the others. */
const RECEIVES: Readonly<Record<"client" | "server", readonly HandshakeMessage["type"][]>> = {
  client: ["choice", "reply"],
  server: ["offer", "request"],
};

/** The longest message is a request with a name of 255 bytes; an offer has 257. */
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
   * Makes one.
   *
   * @param role Which side this is.
   */
  constructor(role: "client" | "server") {
    this.#role = role;
  }

  /** Where the conversation stands. */
  get state(): HandshakeState {
    return this.#state;
  }

  /** Takes bytes from the peer. */
  receive(bytes: Bytes): void {
    this.#buffer.push(bytes);
  }

  /**
   * The next message of the peer; `undefined` while it is not whole.
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
   * Bytes of a message of ours.
   *
   * @throws {TypeError} When this side may not send it now.
   */
  send(message: HandshakeMessage): Bytes {
    if (RECEIVES[this.#role].includes(message.type) || !(message.type in TRANSITIONS[this.#state])) {
      throw new TypeError(`Cannot send ${message.type}: a ${this.#role} in state "${this.#state}" does not`);
    }
    return this.#guarded(() => {
      const bytes = encodeMessage(message);
      this.#move(message);
      return bytes;
    });
  }

  /** Says that authentication is done; what comes next is the request. */
  authenticated(): void {
    if (this.#state !== "authenticating") throw new TypeError(`Cannot end authentication in state "${this.#state}"`);
    this.#state = "authenticated";
  }

  /**
   * Says that the peer will send nothing more, although its next message is wanted.
   *
   * @throws {SocksProtocolError} `UNEXPECTED_END`, always.
   */
  ended(wanted: HandshakeMessage["type"]): never {
    this.abandon();
    throw new SocksProtocolError("UNEXPECTED_END", `Peer closed the connection before its ${wanted}`);
  }

  /** Ends it here, whatever the peer was about to say; for a reason, where there is one that decides what it is told. */
  abandon(reason?: unknown): void {
    if (this.#role === "server" && this.#state === "authenticated" && this.#buffer.length > 0) {
      this.#refusal = encodeReply({ reply: replyCodeFor(reason), hostname: "0.0.0.0", port: 0 });
    }
    this.#state = "closed";
  }

  /**
   * What the peer must be told after {@linkcode nextEvent} has thrown, or it was ended, taken out: a reply (RFC 1928 section 6) where
   * a request could not be read, and `undefined` where the protocol has no answer.
   */
  refusal(): Bytes | undefined {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    return refusal;
  }

  /** Bytes that came behind the last message, taken out: they belong to authentication, or to the tunnel. */
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
      throw new SocksProtocolError("UNEXPECTED_MESSAGE", `Cannot take ${trigger} in state "${this.#state}"`);
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
    const text = `${methodName(method)} was chosen and not offered`;
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
