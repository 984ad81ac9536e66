/**
 * Connections to and from Web Streams: for transports that are no sockets, and for users who like streams.
 *
 * @module
 */
import { type DuplexStreams, StreamsConnection } from "./streams_connection.ts";
import type { Bytes, ByteSource } from "../../base/bytes.ts";
import { streamClosedError } from "./closed_error.ts";
import type { Connection } from "./connection.ts";
import { readableOf } from "./readable_stream.ts";
import { UserConnection } from "./user_connection.ts";

/** The streams of a connection. */
export interface ConnectionStreams extends DuplexStreams {
  /** Bytes that come, with BYOB readers. */
  readonly readable: ReadableStream<Bytes>;
  /** Bytes that go, out of any buffer or view of one. */
  readonly writable: WritableStream<ByteSource>;
}

/**
 * A connection over two streams, which are its own from then on. Chunks that come are copied; one that is no bytes ends
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

/**
 * The streams of a connection, which is theirs from then on. Both are of bytes: there are BYOB readers, and any buffer may be written.
 * Cancelling or aborting one closes the connection, and so do the ends of both.
 */
export function streamsOfConnection(connection: Connection): ConnectionStreams {
  return { ...streamsOf(new UserConnection(connection)), remote: connection.remote };
}

/** The streams of a connection that may be used beside them. */
export function streamsOf(connection: UserConnection): ConnectionStreams {
  return { readable: readableOf(connection), writable: writableOf(connection) };
}

function writableOf(connection: UserConnection): WritableStream<ByteSource> {
  return new WritableStream<ByteSource>({
    start(controller): void {
      const { signal } = controller;
      const fail = (error: unknown) => {
        // Whoever aborts the stream errs it by that already.
        if (!signal.aborted) controller.error(error);
      };
      connection.observe({ writingFailed: fail, closed: fail });
      // Aborting waits for the write under way, which waits for a peer that may never read.
      signal.addEventListener("abort", () => connection.abort(streamClosedError("aborted", signal.reason)), {
        once: true,
      });
    },
    write: async (chunk) => void await connection.write(chunk),
    close: () => connection.closeWrite(),
  });
}
