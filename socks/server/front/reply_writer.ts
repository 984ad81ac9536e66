/**
 * Writes replies to a client, the first byte ahead of the rest if need be.
 *
 * @module
 */
import type { Connection } from "../../stream/connection.ts";

/**
 * Sends replies. The first byte of every reply of a protocol is the same, so that it can be sent before the reply is known: if the client
 * has gone, its system answers that byte with a reset.
 */
export class ReplyWriter {
  readonly #connection: Pick<Connection, "write">;
  readonly #first: Uint8Array;
  #begun = false;

  /**
   * Creates a writer.
   *
   * @param connection Connection to the client.
   * @param first First byte of every reply of the protocol.
   */
  constructor(connection: Pick<Connection, "write">, first: number) {
    this.#connection = connection;
    this.#first = Uint8Array.of(first);
  }

  /** Sends the first byte of the next reply, once. */
  async begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    await this.#connection.write(this.#first);
  }

  /** Sends a reply, or the rest of a reply that has begun. */
  async write(reply: Uint8Array): Promise<void> {
    const rest = this.#begun ? reply.subarray(1) : reply;
    this.#begun = false;
    await this.#connection.write(rest);
  }
}
