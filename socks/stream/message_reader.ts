/**
 * Reads the messages of a handshake from a connection.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Decoded } from "../wire/decoded.ts";
import { ReceiveBuffer } from "../wire/receive_buffer.ts";
import type { Connection } from "./connection.ts";
import { withPrefix } from "./prefix.ts";

/** Sizes of the reads: `SHORT` until a read fills it, `LONG` afterwards. An unauthenticated peer gets little memory at first. */
const [SHORT, LONG] = [1_024, 16_384];

/** Reads messages one after another. Bytes behind the last message stay in front of {@linkcode MessageReader.rest}. */
export class MessageReader {
  readonly #connection: Connection;
  readonly #buffer: ReceiveBuffer;
  #room = SHORT;

  /**
   * Creates a reader.
   *
   * @param limit Longest message, in bytes.
   */
  constructor(connection: Connection, limit: number) {
    this.#connection = connection;
    this.#buffer = new ReceiveBuffer(limit);
  }

  /**
   * Reads the next message.
   *
   * @throws {SocksProtocolError} `UNEXPECTED_END` when the connection ends before the message is complete; `TOO_LARGE` when the
   * message is longer than the limit.
   */
  async next<T>(decode: (bytes: Bytes) => Decoded<T> | undefined): Promise<T> {
    for (;;) {
      const message = this.#buffer.next(decode);
      if (message !== undefined) return message;
      const bytes = await this.#connection.read(new Uint8Array(this.#room));
      if (bytes === null) {
        throw new SocksProtocolError("UNEXPECTED_END", "Peer closed the connection in the middle of the handshake");
      }
      if (bytes.length >= SHORT) this.#room = LONG;
      this.#buffer.push(bytes);
    }
  }

  /** Whether bytes were read that belong to no message yet. */
  get hasMore(): boolean {
    return this.#buffer.length > 0;
  }

  /** Returns the connection, with the bytes in front that were read and not used. */
  rest(): Connection {
    return withPrefix(this.#connection, this.#buffer.takeAll());
  }
}
