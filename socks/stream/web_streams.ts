/**
 * Connections to and from Web Streams: for transports that are no sockets, and for users who like streams.
 *
 * @module
 */
import type { Endpoint } from "../wire/address.ts";
import type { Connection } from "./connection.ts";
import { StreamsConnection } from "./streams_connection.ts";

/** A stream of octets each way. */
export interface DuplexStreams {
  /** Octets that come. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Octets that go. */
  readonly writable: WritableStream<Uint8Array>;
  /** Address of the other end, where it has one. */
  readonly remote?: Endpoint | undefined;
}

/**
 * A connection over two streams, which are its own from then on. Chunks that come are copied; one that is no octets ends
 * reading. Closing the connection ends everything that waits on it at once, cancels the one stream and aborts the other, also
 * where their source and their sink stand still.
 *
 * @example
 * ```ts
 * import { connectionFromStreams } from "@gssocks/gssocks/socks";
 *
 * const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
 * const connection = connectionFromStreams({ readable, writable });
 * const writing = connection.write(new Uint8Array([1]));
 * if ((await connection.read())?.[0] !== 1) throw new Error("lost");
 * await writing;
 * connection.close();
 * ```
 */
export function connectionFromStreams(streams: DuplexStreams): Connection {
  return new StreamsConnection(streams);
}

/** The streams of a connection. Cancelling or aborting one closes the connection. */
export function streamsOfConnection(connection: Connection): DuplexStreams {
  const readable = new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      const bytes = await connection.read();
      if (bytes === null) controller.close();
      else controller.enqueue(bytes);
    },
    cancel: () => connection.close(),
  }, { highWaterMark: 0 });
  const writable = new WritableStream<Uint8Array>({
    write: (bytes) => connection.write(bytes),
    close: () => connection.closeWrite(),
    abort: () => connection.close(),
  });
  return { readable, writable, remote: connection.remote };
}
