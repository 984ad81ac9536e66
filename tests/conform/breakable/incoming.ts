/**
 * Reads messages of a client, in the way that the faults ask for.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../../base/bytes.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import type { Phase, ProxyFaults } from "./faults.ts";

/** The client has gone, or the message is none: the connection is over. */
export class Over extends Error {}

/** A message and how many bytes it took. */
export interface Found<T> {
  readonly value: T;
  readonly length: number;
}

/** Bytes of a client. */
export class Incoming {
  readonly connection: Connection;
  readonly #faults: ProxyFaults;
  #held: Bytes = EMPTY;
  /** Whether the client has ended. */
  ended = false;

  constructor(connection: Connection, faults: ProxyFaults) {
    this.connection = connection;
    this.#faults = faults;
  }

  /** The next message; `partial` sees the beginning of one. */
  async next<T>(
    phase: Phase,
    decode: (bytes: Bytes) => Found<T> | undefined,
    partial?: (bytes: Bytes) => Promise<void>,
  ): Promise<T> {
    for (;;) {
      const found = this.#held.length === 0 ? undefined : decode(this.#held);
      if (found !== undefined) {
        this.#held = this.#faults.forget === phase ? EMPTY : this.#held.subarray(found.length);
        return found.value;
      }
      if (this.#held.length > 0) {
        if (this.#faults.oneRead === phase) throw new Over("not in one read");
        if (this.#faults.eager === phase) await partial?.(this.#held);
      }
      const bytes = await this.connection.read().catch(() => null);
      if (bytes === null) {
        this.ended = true;
        throw new Over("client left");
      }
      this.#held = concat(this.#held, bytes);
    }
  }

  /** Whether bytes wait. */
  get hasMore(): boolean {
    return this.#held.length > 0;
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    await this.connection.write(concat(...parts)).catch(() => {});
  }
}
