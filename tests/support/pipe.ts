/**
 * Two ends of a byte stream in memory, which may split writes into pieces of any size.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import type { Endpoint } from "../../socks/wire/address.ts";

/** Options of one direction of a {@linkcode pipe}. */
export interface PipeOptions {
  /** Most bytes that a read returns. @default {Infinity} */
  chunk?: number;
  /** Changes bytes in transit, for tampering; `index` counts writes from 0. */
  tamper?: (bytes: Bytes, index: number) => Bytes;
  /** Whether the direction ends after the first changed write, so that no reader waits for bytes that a changed length promises. */
  endAfterTamper?: boolean;
}

class Direction {
  readonly #options: PipeOptions;
  readonly #queue: Bytes[] = [];
  #state: "open" | "ended" | "broken" = "open";
  #writes = 0;
  #wake = Promise.withResolvers<void>();
  /** All bytes that passed. */
  readonly seen: Bytes[] = [];

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  write(bytes: Uint8Array): void {
    if (this.#state !== "open") throw new Error("Pipe is closed");
    const copy = new Uint8Array(bytes);
    const changed = this.#options.tamper?.(copy, this.#writes++) ?? copy;
    if (changed.length > 0) this.#queue.push(changed);
    this.seen.push(changed);
    if (this.#options.endAfterTamper && changed !== copy) this.#state = "ended";
    this.#signal();
  }

  end(state: "ended" | "broken"): void {
    if (this.#state === "open" || state === "broken") this.#state = state;
    this.#signal();
  }

  #signal(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  async read(): Promise<Bytes | null> {
    for (;;) {
      const next = this.#queue[0];
      if (this.#state === "broken") throw new Error("Pipe is closed");
      if (next !== undefined) {
        const { chunk = Infinity } = this.#options;
        if (next.length <= chunk) return this.#queue.shift()!;
        this.#queue[0] = next.subarray(chunk);
        return next.slice(0, chunk);
      }
      if (this.#state === "ended") return null;
      await this.#wake.promise;
    }
  }
}

/** One end, with a record of what it sent. */
export interface PipeEnd extends Connection {
  /** All bytes that this end has sent. */
  sent(): Bytes;
}

/** Creates both ends. */
export function pipe(options: PipeOptions & { back?: PipeOptions } = {}): [PipeEnd, PipeEnd] {
  const there = new Direction(options);
  const back = new Direction(options.back ?? (options.chunk === undefined ? {} : { chunk: options.chunk }));
  const remote: Endpoint = { hostname: "192.0.2.7", port: 7 };
  const end = (out: Direction, incoming: Direction): PipeEnd => ({
    remote,
    read: () => incoming.read(),
    write: async (bytes) => {
      await Promise.resolve();
      out.write(bytes);
    },
    closeWrite: () => {
      out.end("ended");
      return Promise.resolve();
    },
    close: () => {
      out.end("broken");
      incoming.end("broken");
    },
    sent: () => new Uint8Array(out.seen.flatMap((bytes) => [...bytes])),
    [Symbol.asyncDispose](): Promise<void> {
      this.close();
      return Promise.resolve();
    },
  });
  return [end(there, back), end(back, there)];
}

/** Reads to the end and returns all bytes. */
export async function readAll(connection: Connection): Promise<Bytes> {
  const parts: Bytes[] = [];
  for (let bytes = await connection.read(); bytes !== null; bytes = await connection.read()) parts.push(bytes);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Reads `length` bytes; fails when the connection ends before. */
export async function readExactly(connection: Connection, length: number): Promise<void> {
  for (let got = 0; got < length;) {
    const bytes = await connection.read();
    if (bytes === null) throw new Error(`Ended after ${got} of ${length} bytes`);
    got += bytes.length;
  }
}

/** Reads until the connection ends or fails. */
export async function readOut(connection: Connection): Promise<void> {
  try {
    while (await connection.read() !== null);
  } catch {
    // A failed read is an end too.
  }
}
