/**
 * What a client is told of its request.
 *
 * @module
 */
import type { Connection } from "../../stream/connection.ts";

/**
 * Sends answers, of which the first byte may go ahead: it is the same whatever the answer will be, and the system of a client that has gone
 * says so to whoever sends it something.
 */
export class Answers {
  readonly #connection: Connection;
  readonly #first: Uint8Array;
  #begun = false;

  /**
   * Makes it.
   *
   * @param connection The client's.
   * @param first The byte with which every answer of its protocol begins.
   */
  constructor(connection: Connection, first: number) {
    this.#connection = connection;
    this.#first = Uint8Array.of(first);
  }

  /** Begins the next answer, once. */
  async begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    await this.#connection.write(this.#first);
  }

  /** Sends an answer, or what is left of it. */
  async write(answer: Uint8Array): Promise<void> {
    const rest = this.#begun ? answer.subarray(1) : answer;
    this.#begun = false;
    await this.#connection.write(rest);
  }
}
