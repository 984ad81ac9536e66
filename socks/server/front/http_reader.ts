/**
 * Reads requests, one after another, and their bodies from one client.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { abortable, startDeadline } from "../../../base/deadline.ts";
import { SocksProtocolError, SocksTimeoutError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { withPrefix } from "../../stream/prefix.ts";
import { wrapConnection } from "../../stream/wrap_connection.ts";
import { ReceiveBuffer } from "../../wire/receive_buffer.ts";
import { MAX_HEAD } from "./http_head.ts";
import { type ProxyRequest, requestDecoder } from "./http_request.ts";

/** Times for the next request, in milliseconds. */
interface NextRequestTimes {
  /** Until its first byte. */
  readonly idle: number;
  /** From there to the end of its head. */
  readonly head: number;
}

/** Reads from a client ahead of what is used, as far as it is asked to. */
export class HttpReader {
  readonly #connection: Connection;
  readonly #buffer = new ReceiveBuffer(MAX_HEAD + 1);
  #filling: Promise<void> | undefined;
  #ended = false;

  /**
   * Creates a reader.
   *
   * @param connection Connection to the client.
   */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Bytes read and not used. */
  get held(): number {
    return this.#buffer.length;
  }

  /** Whether the client has ended its side. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Reads more. Calls that overlap share one read. */
  fill(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return this.#filling ??= this.#connection.read().then((bytes) => {
      this.#filling = undefined;
      if (bytes === null) this.#ended = true;
      else this.#buffer.push(bytes);
    });
  }

  /** Returns bytes, at least one; `null` after the last one. */
  async some(): Promise<Bytes | null> {
    while (this.held === 0 && !this.#ended) await this.fill();
    return this.held === 0 ? null : this.#buffer.takeAll();
  }

  /** Takes bytes back that were read and belong to what follows. */
  unread(bytes: Bytes): void {
    const later = this.#buffer.takeAll();
    for (const piece of [bytes, later]) if (piece.length > 0) this.#buffer.push(piece);
  }

  /**
   * Reads the head of the next request; `undefined` if the client ends its side, or sends nothing for the time, before its first byte.
   *
   * @throws {SocksProtocolError} When it is none, or incomplete.
   * @throws {SocksTimeoutError} When it is not complete in time.
   */
  async next({ idle, head }: NextRequestTimes, signal: AbortSignal): Promise<ProxyRequest | undefined> {
    let begun = this.held > 0;
    using deadline = startDeadline({
      milliseconds: begun ? head : idle,
      signal,
      reason: () =>
        new SocksTimeoutError("HANDSHAKE_TIMEOUT", `Client sent no request within ${begun ? head : idle} ms`),
    });
    const decode = requestDecoder();
    for (;;) {
      const request = this.#buffer.next(decode);
      if (request !== undefined) return request;
      if (this.#ended && this.held === 0) return undefined;
      if (this.#ended) throw new SocksProtocolError("UNEXPECTED_END", "Client ended in the middle of a request");
      try {
        await abortable(this.fill(), deadline.signal);
      } catch (error) {
        if (!begun && error === deadline.signal.reason && !signal.aborted) return undefined;
        throw error;
      }
      if (!begun && this.held > 0) {
        begun = true;
        deadline.limit(
          head,
          () => new SocksTimeoutError("HANDSHAKE_TIMEOUT", `Client sent no request within ${head} ms`),
        );
      }
    }
  }

  /** Returns the connection, with the bytes in front that were read and not used, and those of a read that is under way. */
  rest(): Connection {
    if (this.#filling === undefined) return withPrefix(this.#connection, this.#buffer.takeAll());
    return wrapConnection(this.#connection, {
      read: (into) => this.#filling === undefined && this.held === 0 ? this.#connection.read(into) : this.some(),
    });
  }
}
