/**
 * Connections to and from Web Streams: for transports that are no sockets, and for users who like streams.
 *
 * @module
 */
import { type Bytes, type ByteSource, octetsOf } from "../../gss/bytes.ts";
import { SocksConnectionError } from "../errors.ts";
import type { Endpoint } from "../wire/address.ts";
import type { Connection } from "./connection.ts";
import { StreamsConnection } from "./streams_connection.ts";
import { UserConnection } from "./user_connection.ts";

/** A stream of octets each way. */
export interface DuplexStreams {
  /** Octets that come. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Octets that go. */
  readonly writable: WritableStream<Uint8Array>;
  /** Address of the other end, where it has one. */
  readonly remote?: Endpoint | undefined;
}

/** The streams of a connection. */
export interface ConnectionStreams extends DuplexStreams {
  /** Octets that come, with BYOB readers. */
  readonly readable: ReadableStream<Bytes>;
  /** Octets that go, out of any buffer or view of one. */
  readonly writable: WritableStream<ByteSource>;
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

/**
 * The streams of a connection, which is theirs from then on. Both are of octets: there are BYOB readers, and any buffer may be written.
 * Cancelling or aborting one closes the connection, and so do the ends of both.
 */
export function streamsOfConnection(connection: Connection): ConnectionStreams {
  return { ...streamsOf(new UserConnection(connection)), remote: connection.remote };
}

/** The streams of a connection that may be used beside them. */
export function streamsOf(connection: UserConnection): ConnectionStreams {
  return { readable: readableOf(connection), writable: writableOf(connection) };
}

function readableOf(connection: UserConnection): ReadableStream<Bytes> {
  const readable: ReadableStream<Bytes> = new ReadableStream({
    type: "bytes",
    start(controller): void {
      connection.observe({ writingFailed() {}, closed: (reason) => controller.error(reason) });
    },
    async pull(controller): Promise<void> {
      const bytes = await connection.next();
      // Whoever asked may have let go of the stream since, and ask the connection next.
      if (bytes !== null && !readable.locked) connection.putBack(bytes);
      else deliver(bytes, controller, connection);
    },
    cancel: (reason) => connection.close(closedBy("cancelled", reason)),
  }, { highWaterMark: 0 });
  return readable;
}

/** Hands octets to whoever asked, who may have brought memory for them. */
function deliver(bytes: Bytes | null, controller: ReadableByteStreamController, connection: UserConnection): void {
  const { byobRequest } = controller;
  const view = byobRequest?.view;
  if (bytes === null) {
    controller.close();
    byobRequest?.respond(0);
  } else if (view == null) controller.enqueue(bytes);
  else {
    const room = octetsOf(view);
    const count = Math.min(room.length, bytes.length);
    room.set(bytes.subarray(0, count));
    if (count < bytes.length) connection.putBack(bytes.subarray(count));
    byobRequest!.respond(count);
  }
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
      signal.addEventListener("abort", () => connection.close(closedBy("aborted", signal.reason)), { once: true });
    },
    write: async (chunk) => void await connection.write(chunk),
    close: () => connection.closeWrite(),
  });
}

function closedBy(what: string, cause: unknown): SocksConnectionError {
  return new SocksConnectionError("CLOSED", `Connection is closed: its stream was ${what}`, { cause });
}
