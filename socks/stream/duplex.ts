/**
 * Connections to and from the duplex streams of Node's modules.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { asBytes, type Bytes } from "../../gss/bytes.ts";
import type { Endpoint } from "../wire/address.ts";
import type { Connection } from "./connection.ts";

/** A stream of Node's over a connection, out of the class given. */
export function duplexOf(Stream: typeof Duplex, connection: Connection): Duplex {
  const stream = new Stream({
    read(): void {
      connection.read().then((bytes) => stream.push(bytes), (error) => stream.destroy(error));
    },
    write(chunk: Uint8Array, _encoding: unknown, done: (error?: Error | null) => void): void {
      connection.write(chunk).then(() => done(), done);
    },
    final(done: (error?: Error | null) => void): void {
      connection.closeWrite().then(() => done(), done);
    },
    destroy(error: Error | null, done: (error?: Error | null) => void): void {
      connection.close();
      done(error);
    },
  });
  return stream;
}

/** What {@linkcode connectionFromDuplex} is told beside the stream. */
export interface FromDuplexOptions {
  /** Connection under the stream, which is closed with it. */
  readonly under?: Connection;
  /** This end, where it has an address. */
  readonly local?: Endpoint;
  /** The other end, where it has an address. */
  readonly remote?: Endpoint;
}

/** A connection over a stream of Node's, which is its own from then on. */
export function connectionFromDuplex(stream: Duplex, options: FromDuplexOptions = {}): Connection {
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  stream.on("error", () => {}); // Told by the read or the write that it is met in.
  const close = () => {
    stream.destroy();
    options.under?.close();
  };
  return {
    local: options.local,
    remote: options.remote,
    async read(): Promise<Bytes | null> {
      const { done, value } = await chunks.next();
      return done ? null : asBytes(new Uint8Array(value));
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes.slice(), (error) => error ? reject(error) : resolve());
      }),
    closeWrite: () => new Promise((resolve) => stream.end(() => resolve())),
    close,
    [Symbol.asyncDispose](): Promise<void> {
      close();
      return Promise.resolve();
    },
  };
}
