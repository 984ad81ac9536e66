/**
 * Connections from Web Streams, for transports other than sockets, and Web Streams of connections.
 *
 * @module
 */
import { onAbort } from "../../base/deadline.ts";
import { type DuplexStreams, StreamsConnection } from "./streams_connection.ts";
import type { Bytes, ByteSource } from "../../base/bytes.ts";
import { streamClosedError } from "./closed_error.ts";
import type { Connection } from "./connection.ts";
import { readableOf } from "./readable_stream.ts";
import { UserConnection } from "./user_connection.ts";

/** The streams of a connection. */
export interface ConnectionStreams extends DuplexStreams {
  /** Bytes from the peer; supports BYOB readers. */
  readonly readable: ReadableStream<Bytes>;
  /** Bytes to the peer, from any buffer or view. */
  readonly writable: WritableStream<ByteSource>;
}

/**
 * Creates a connection over two streams, which it owns. Chunks that are read are copied; a chunk that is not bytes ends reading.
 * Closing the connection fails all pending calls at once, cancels one stream and aborts the other, even if their source and
 * sink do not react.
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
 * Returns the streams of a connection, which they own. BYOB readers are supported, and any buffer may be written. Cancelling or aborting
 * one stream closes the connection, and so does the end of both.
 *
 * @example
 * ```ts
 * import { dialTcp, streamsOfConnection } from "@gssocks/gssocks/socks";
 *
 * export async function page(): Promise<string> {
 *   const { readable } = streamsOfConnection(await dialTcp({ hostname: "intranet", port: 80 }, {}));
 *   return await new Response(readable).text();
 * }
 * ```
 */
export function streamsOfConnection(connection: Connection): ConnectionStreams {
  return { ...streamsOf(new UserConnection(connection)), remote: connection.remote };
}

/** Returns the streams of a connection that can be used next to them. */
export function streamsOf(connection: UserConnection): ConnectionStreams {
  return { readable: readableOf(connection), writable: writableOf(connection) };
}

function writableOf(connection: UserConnection): WritableStream<ByteSource> {
  return new WritableStream<ByteSource>({
    start(controller): void {
      const { signal } = controller;
      const fail = (error: unknown) => {
        // Aborting the stream has put it into its error state already.
        if (!signal.aborted) controller.error(error);
      };
      connection.observe({ writingFailed: fail, closed: fail });
      // abort() of the stream waits for the pending write, and that for a peer that may never read.
      onAbort(signal, (reason) => connection.abort(streamClosedError("aborted", reason)));
    },
    write: async (chunk) => void await connection.write(chunk),
    close: () => connection.closeWrite(),
  });
}
