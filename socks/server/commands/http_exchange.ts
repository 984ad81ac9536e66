/**
 * The requests of one client to one target, on one connection each: what the relay copies between is the requests as they are forwarded,
 * and the responses as they go back.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../../base/bytes.ts";
import { SocksProtocolError } from "../../errors.ts";
import { closeQuietly } from "../../stream/close_quietly.ts";
import type { Connection } from "../../stream/connection.ts";
import { SerialQueue } from "../../stream/serial_queue.ts";
import { wrapConnection } from "../../stream/wrap_connection.ts";
import { ReceiveBuffer } from "../../wire/receive_buffer.ts";
import { BodyDecoder, chunkOf, lastChunk } from "../front/http_body.ts";
import { MAX_HEAD } from "../front/http_head.ts";
import type { HttpReader } from "../front/http_reader.ts";
import { badRequest, forwardedHead, type HttpRequest, type ProxyRequest } from "../front/http_request.ts";
import {
  badResponse,
  type HttpResponse,
  isAskedFor,
  responseDecoder,
  responseOf,
  returnedHead,
} from "../front/http_response.ts";

/** Most bytes read ahead of a client that waits for a response. */
const READ_AHEAD = 65_536;
/** Most interim responses to one request. */
const INTERIM = 100;
/** Methods that change nothing, so that a request may be sent again (RFC 9110 section 9.2.1). */
const SAFE: readonly string[] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/** Options of an `HttpExchange`. */
interface HttpExchangeOptions {
  /** The first request. */
  readonly first: HttpRequest;
  /** Reads the client behind its first request. */
  readonly reader: HttpReader;
  /** Connection to the client. */
  readonly client: Connection;
  /** Connection to the target. */
  readonly target: Connection;
  /** Sends bytes of responses. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Reads the head of the client's next request; `undefined` if there is none. */
  readonly nextHead: () => Promise<ProxyRequest | undefined>;
  /** Whether the client's connection may be used again. */
  readonly mayContinue: boolean;
}

/** One request, and its response as far as it has come. */
class Turn {
  readonly request: HttpRequest;
  /** Whether earlier requests went over the same connection to the target. */
  readonly reuses: boolean;
  readonly body: BodyDecoder;
  headSent = false;
  response: HttpResponse | undefined;
  responseBody: BodyDecoder | undefined;
  interims = 0;
  done = false;

  constructor(request: HttpRequest, reuses: boolean) {
    this.request = request;
    this.reuses = reuses;
    this.body = new BodyDecoder(request.body ?? { type: "length", length: 0 }, badRequest);
  }
}

/** Both ends of a relay that forwards requests. */
export class HttpExchange {
  /** The client's end of the relay: reading gives requests, and responses are written to it. */
  readonly client: Connection;
  /** The target's end of the relay. */
  readonly target: Connection;
  readonly #options: HttpExchangeOptions;
  readonly #head = new ReceiveBuffer(MAX_HEAD + 1);
  readonly #responses = new SerialQueue();
  #decode = responseDecoder();
  #turn: Turn;
  #heading: Promise<ProxyRequest | undefined> | undefined;
  /** Ends the wait that is under way. */
  #wake = () => {};
  #isOver = false;
  #tunnel = false;
  #continues: boolean;
  #again: HttpRequest | undefined;
  #answered = false;

  /** Creates an exchange that has not begun. */
  constructor(options: HttpExchangeOptions) {
    const { client, target, first, mayContinue } = options;
    this.#options = options;
    this.#turn = new Turn(first, false);
    this.#continues = mayContinue && first.keepAlive;
    const ignore = () => {};
    this.client = wrapConnection(client, {
      read: () => this.#request(),
      // A relay has two writes under way.
      write: (bytes) => this.#responses.run(() => this.#respond(bytes as Bytes)),
      closeWrite: () => this.#responses.run(() => this.#targetEnded()),
      // Whoever runs the exchange decides about the client.
      close: ignore,
      abort: ignore,
    });
    this.target = wrapConnection(target, {
      read: async (into) => {
        try {
          const bytes = await target.read(into);
          return this.#isOver ? null : bytes;
        } catch (error) {
          if (this.#isOver) return null;
          this.#lost();
          throw error;
        }
      },
      closeWrite: () => this.#tunnel ? target.closeWrite() : Promise.resolve(),
    });
  }

  /** Whether a byte of the response under way has gone to the client, so that there can be no other answer. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Whether the last response is complete. */
  get complete(): boolean {
    return this.#turn.done;
  }

  /** Whether the connection has become a tunnel, and ended as one. */
  get tunnelled(): boolean {
    return this.#tunnel;
  }

  /** Whether the client's connection can be used again. */
  get continues(): boolean {
    return this.#continues;
  }

  /** A request that must be sent to the target again, because the target closed the connection without having seen it. */
  get again(): HttpRequest | undefined {
    return this.#again;
  }

  /** Reads the client's next request; calls share one result. */
  nextHead(): Promise<ProxyRequest | undefined> {
    return this.#heading ??= this.#options.nextHead();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#wake();
    if (!this.#tunnel) closeQuietly(this.#options.target);
  }

  /** Gives the next bytes for the target; `null` when the connection to it is used no more. */
  async #request(): Promise<Bytes | null> {
    while (!this.#isOver) {
      const turn = this.#turn;
      if (this.#tunnel) return await this.#options.reader.some();
      if (!turn.headSent) {
        turn.headSent = true;
        return forwardedHead(turn.request);
      }
      if (!turn.body.done) {
        const bytes = await this.#requestBody(turn);
        if (bytes.length > 0) return bytes;
      } else if (!turn.done) await this.#responseEnds(turn);
      else if (!await this.#nextTurn()) this.#end();
    }
    return null;
  }

  /**
   * Waits for the client, or for a change of the state. Nothing that lasts as long as the exchange keeps a trace of it, however many waits
   * there are.
   */
  #wait(client?: Promise<unknown>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#wake = resolve;
    client?.then(() => resolve(), reject);
    return promise;
  }

  async #requestBody({ body, request }: Turn): Promise<Bytes> {
    const { reader } = this.#options;
    // The response may be complete before the body is.
    if (reader.held === 0 && !reader.ended) await this.#wait(reader.fill());
    if (this.#isOver) return EMPTY;
    const bytes = reader.held === 0 && !reader.ended ? EMPTY : await reader.some();
    if (bytes === null) throw badRequest("the client ended in the middle of its body");
    const { data, trailers, rest } = body.push(bytes);
    reader.unread(rest);
    if (request.body?.type !== "chunked") return data;
    return body.done ? concat(chunkOf(data), lastChunk(trailers)) : chunkOf(data);
  }

  /** Waits for the end of the response, and reads ahead meanwhile, to see a client that is lost. */
  async #responseEnds(turn: Turn): Promise<void> {
    const { reader } = this.#options;
    while (!turn.done && !this.#isOver && !this.#tunnel) {
      await this.#wait(!reader.ended && reader.held < READ_AHEAD ? reader.fill() : undefined);
    }
  }

  /** Begins with the client's next request, if it has the same target and the connection to it is open. */
  async #nextTurn(): Promise<boolean> {
    // A request that cannot be read is refused by whoever runs the exchange.
    let next: ProxyRequest | undefined;
    await this.#wait(this.nextHead().then((request) => next = request).catch(() => {}));
    const { target, keepAlive } = next?.forwarded ?? {};
    const before = this.#turn.request.target;
    if (this.#isOver || target?.hostname !== before.hostname || target?.port !== before.port) return false;
    this.#heading = undefined;
    this.#answered = false;
    this.#continues = this.#options.mayContinue && keepAlive!;
    this.#turn = new Turn(next!.forwarded!, true);
    return true;
  }

  /** Takes bytes of the target. */
  async #respond(bytes: Bytes): Promise<void> {
    try {
      for (let rest = bytes; rest.length > 0;) rest = await this.#respondSome(rest);
    } catch (error) {
      this.#continues = false;
      this.#end();
      throw error;
    }
  }

  /** Takes some of the bytes of the target, and returns the others. */
  async #respondSome(bytes: Bytes): Promise<Bytes> {
    if (this.#isOver) return EMPTY;
    const turn = this.#turn;
    if (this.#tunnel) {
      await this.#options.write(bytes);
      return EMPTY;
    }
    if (turn.done || !turn.headSent) {
      // They answer nothing that was asked: the next response would be taken for another one.
      if (!this.#lost()) throw badResponse("it comes before the request");
      return EMPTY;
    }
    return await (turn.responseBody === undefined ? this.#responseHead(turn, bytes) : this.#responsePiece(turn, bytes));
  }

  async #responseHead(turn: Turn, bytes: Bytes): Promise<Bytes> {
    const { request } = turn;
    // The memory of the first bytes belongs to the relay, which uses it again.
    this.#head.push(this.#head.length === 0 ? bytes.slice() : bytes);
    const head = this.#head.next(this.#decode);
    if (head === undefined) return EMPTY;
    this.#decode = responseDecoder();
    const rest = this.#head.takeAll();
    const response = responseOf(head, request);
    if (response.interim) {
      if (++turn.interims > INTERIM) throw badResponse("it has too many interim responses");
      // A client of HTTP/1.0 knows none (RFC 9110 section 15.2).
      if (request.modern) await this.#write(returnedHead(response, { body: undefined, closes: false }));
      return rest;
    }
    if (response.status === 101) return await this.#change(turn, response, rest);
    turn.response = response;
    // A body that the client still sends would be read as its next request.
    this.#continues &&= turn.body.done && response.body?.type !== "close";
    const body = response.body?.type === "chunked" && !request.modern ? { type: "close" } as const : response.body;
    const sending = this.#write(returnedHead(response, { body, closes: !this.#continues }));
    turn.responseBody = new BodyDecoder(response.body ?? { type: "length", length: 0 }, badResponse);
    await sending;
    if (turn.responseBody.done) this.#complete(turn);
    return rest;
  }

  /** Changes to another protocol, which the client has asked for (RFC 9110 section 7.8). */
  async #change(turn: Turn, response: HttpResponse, rest: Bytes): Promise<Bytes> {
    if (!turn.body.done || !isAskedFor(response, turn.request)) {
      throw badResponse("it changes the protocol, which nobody asked for");
    }
    this.#continues = false;
    this.#tunnel = true;
    await this.#write(returnedHead(response, { body: undefined, closes: false }));
    this.#wake();
    return rest;
  }

  async #responsePiece(turn: Turn, bytes: Bytes): Promise<Bytes> {
    const { data, trailers, rest } = turn.responseBody!.push(bytes);
    const { done } = turn.responseBody!;
    const chunked = turn.response!.body?.type === "chunked" && turn.request.modern;
    const out = !chunked ? data : done ? concat(chunkOf(data), lastChunk(trailers)) : chunkOf(data);
    if (out.length > 0) await this.#write(out);
    if (done) this.#complete(turn);
    return rest;
  }

  async #write(bytes: Bytes): Promise<void> {
    this.#answered = true;
    await this.#options.write(bytes);
  }

  /** The response is complete. */
  #complete(turn: Turn): void {
    turn.done = true;
    this.#wake();
    if (!this.#continues || !turn.response!.keepAlive) this.#end();
  }

  /** The target has ended its side. */
  async #targetEnded(): Promise<void> {
    const turn = this.#turn;
    if (this.#tunnel) return await this.#options.client.closeWrite();
    if (this.#isOver) return;
    if (turn.response?.body?.type === "close") this.#complete(turn);
    if (turn.done) return this.#end();
    if (this.#lost()) return;
    throw new SocksProtocolError(
      "UNEXPECTED_END",
      `Target closed the connection ${this.#answered ? "in the middle of its response" : "without a response"}`,
    );
  }

  /**
   * The target is lost. A connection that waits for the next request may be closed at any time (RFC 9112 section 9.3.1): a request that
   * changes nothing, or was not sent yet, is sent again then, over a new one.
   *
   * @returns Whether that is so.
   */
  #lost(): boolean {
    const { reuses, headSent, request, response, interims, done } = this.#turn;
    const untouched = !done && response === undefined && interims === 0 && this.#head.length === 0;
    const repeatable = !headSent || (SAFE.includes(request.method) && request.body === undefined);
    if (reuses && untouched && repeatable) this.#again = request;
    else if (!done) this.#continues = false;
    this.#end();
    return done || this.#again !== undefined;
  }
}
