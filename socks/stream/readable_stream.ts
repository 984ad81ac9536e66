/**
 * What comes, as a stream of bytes. Readers let go of a stream whenever they like; what was asked for them, and even what a least
 * number of bytes holds back, is the next reader's then, whichever way that one reads.
 *
 * @module
 */
import { type Bytes, concat } from "../../base/bytes.ts";
import { streamClosedError } from "./closed_error.ts";
import type { UserConnection } from "./user_connection.ts";

/** The bytes of a connection, which may be read beside the stream. */
export function readableOf(connection: UserConnection): ReadableStream<Bytes> {
  let controller!: ReadableByteStreamController;
  let asked = false;
  const takeBack = () => heldBack(readable, controller);
  const answer = async (bytes: Bytes | null) => {
    // From here on, who asks has not been asked for.
    asked = false;
    if (readable.locked) return deliver(bytes, controller, connection);
    // Whoever asked has let go of the stream since, and may ask the connection next.
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
    // Not a promise of the bytes: until it is kept nobody is asked for who reads next, and who asks the connection comes before them.
    pull(): void {
      if (asked) return;
      asked = true;
      connection.serve(answer).catch((error) => controller.error(error));
    },
    cancel: (reason) => connection.close(streamClosedError("cancelled", reason)),
  }, { highWaterMark: 0 });
  return readable;
}

/** Hands bytes to whoever asked, who may have brought memory for them: what has no room there is the connection's. */
function deliver(bytes: Bytes | null, controller: ReadableByteStreamController, connection: UserConnection): void {
  const { byobRequest } = controller;
  if (bytes === null) {
    controller.close();
    byobRequest?.respond(0);
    return;
  }
  const room = byobRequest?.view?.byteLength ?? bytes.length;
  if (bytes.length > room) connection.putBack(bytes.subarray(room));
  // The memory may be of a reader who has let go, with another one waiting: only the stream knows where they go.
  controller.enqueue(bytes.length > room ? bytes.slice(0, room) : bytes);
}

/**
 * Bytes that the stream holds and nobody asks it for: those that came when a reader was there and waited for none, and those that were not
 * enough for one who is gone. `undefined` where there are none, or where they are another reader's.
 */
function heldBack(
  readable: ReadableStream<Bytes>,
  controller: ReadableByteStreamController,
): Promise<Bytes> | undefined {
  if (readable.locked || controller.desiredSize === null) return undefined;
  // Memory of one who is gone: the next byte, here one that is none, makes the stream let go of it and keep what was put there.
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
