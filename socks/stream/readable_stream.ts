/**
 * The incoming bytes of a connection as a stream. A reader may release the stream at any time: bytes that were requested for it, or held
 * back for its minimum, go to the next reader, of the stream or of the connection.
 *
 * @module
 */
import { type Bytes, concat } from "../../base/bytes.ts";
import { streamClosedError } from "./closed_error.ts";
import type { UserConnection } from "./user_connection.ts";

/** Returns the stream of a connection, which can be read next to the stream. */
export function readableOf(connection: UserConnection): ReadableStream<Bytes> {
  let controller!: ReadableByteStreamController;
  let asked = false;
  const takeBack = () => heldBack(readable, controller);
  const answer = async (bytes: Bytes | null) => {
    // A request from here on needs a read of its own.
    asked = false;
    if (readable.locked) return deliver(bytes, controller, connection);
    // The reader has released the stream; the next one may read from the connection.
    const before = await takeBack();
    if (bytes !== null) connection.putBack(bytes);
    if (before !== undefined) connection.putBack(before);
    else if (bytes === null) deliver(null, controller, connection);
  };
  const readable: ReadableStream<Bytes> = new ReadableStream({
    type: "bytes",
    start(made): void {
      controller = made;
      connection.observe({ writingFailed() {}, closed: (reason) => controller.error(reason), takeBack });
    },
    // Does not return the promise of the bytes: until that is fulfilled the stream would not request bytes for the next reader.
    pull(): void {
      if (asked) return;
      asked = true;
      connection.serve(answer).catch((error) => controller.error(error));
    },
    cancel: (reason) => connection.close(streamClosedError("cancelled", reason)),
  }, { highWaterMark: 0 });
  return readable;
}

/** Delivers bytes to the reader, which may have given memory for them; the connection keeps what does not fit. */
function deliver(bytes: Bytes | null, controller: ReadableByteStreamController, connection: UserConnection): void {
  const { byobRequest } = controller;
  if (bytes === null) {
    controller.close();
    byobRequest?.respond(0);
    return;
  }
  const room = byobRequest?.view?.byteLength ?? bytes.length;
  if (bytes.length > room) connection.putBack(bytes.subarray(room));
  // The memory may belong to a reader that has released the stream, while another one waits: the stream decides where bytes go.
  controller.enqueue(bytes.length > room ? bytes.slice(0, room) : bytes);
}

/**
 * Takes back bytes that the stream holds for no reader: bytes that came between two reads of a reader, and bytes below the minimum of a
 * reader that is gone. `undefined` if there are none, or if they belong to another reader.
 */
function heldBack(
  readable: ReadableStream<Bytes>,
  controller: ReadableByteStreamController,
): Promise<Bytes> | undefined {
  if (readable.locked || controller.desiredSize === null) return undefined;
  // Memory of a reader that is gone: one more byte (here a dummy) makes the stream release it and keep what was put there.
  const stale = controller.byobRequest !== null;
  if (!stale && controller.desiredSize === 0) return undefined;
  if (stale) controller.enqueue(new Uint8Array(1));
  const chunks: Promise<Bytes>[] = [];
  const reader = readable.getReader();
  while (controller.desiredSize! < 0) chunks.push(reader.read().then(({ value }) => value!));
  reader.releaseLock();
  if (chunks.length <= (stale ? 1 : 0)) return undefined;
  return Promise.all(chunks).then((all) => concat(...(stale ? all.slice(0, -1) : all)));
}
