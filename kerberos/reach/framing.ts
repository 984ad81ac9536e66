/**
 * Messages to a KDC over a stream (RFC 4120 section 7.2.2): four bytes of length in front of request and reply.
 *
 * @module
 */
import { type Bytes, ByteWriter } from "../../base/bytes.ts";
import { onAbort } from "../../base/deadline.ts";
import { KerberosError } from "../errors.ts";

/** A reply with the largest PAC is far below this; a longer one is not read. */
const MAX_REPLY = 1 << 20;

/** A stream to a KDC. */
export interface KdcStream {
  /** Reads some bytes; `null` after the last. */
  read(): Promise<Bytes | null>;
  /** Sends all of the bytes. */
  write(bytes: Bytes): Promise<unknown>;
  /** Ends both directions; pending calls fail. */
  close(): void;
}

/** Sends a message and reads its reply. The stream is closed after that, and when the signal is aborted. */
export async function exchangeOverStream(stream: KdcStream, message: Bytes, signal: AbortSignal): Promise<Bytes> {
  using _closing = onAbort(signal, () => closeQuietly(stream));
  try {
    // The signal may have been aborted at the very moment when the stream was established.
    signal.throwIfAborted();
    await stream.write(new ByteWriter().u32(message.length).bytes(message).finish());
    return await readReply(stream);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    closeQuietly(stream);
  }
}

/** Closes a stream. It may be closed already, and nothing catches what is thrown in a signal's listener. */
function closeQuietly(stream: KdcStream): void {
  try {
    stream.close();
  } catch {
    // The stream is not used any more.
  }
}

async function readReply(stream: KdcStream): Promise<Bytes> {
  const frames = new FrameReader(MAX_REPLY);
  for (;;) {
    const bytes = await stream.read();
    if (bytes === null) throw new KerberosError("BAD_MESSAGE", "KDC closed the connection before its reply was whole");
    frames.receive(bytes);
    const length = frames.announced;
    if (length !== undefined && length > MAX_REPLY) {
      throw new KerberosError("BAD_MESSAGE", `KDC announces a reply of ${length} bytes`);
    }
    const reply = frames.next();
    if (reply !== undefined) return reply;
  }
}

/** Reads messages out of a stream, each behind its length. The work is linear, however few bytes come at a time. */
export class FrameReader {
  readonly #limit: number;
  #held: Bytes = new Uint8Array(1_024);
  #start = 0;
  #end = 0;

  /**
   * Creates a reader.
   *
   * @param limit Longest message accepted; the caller gives up if a longer one is {@linkcode announced}.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds bytes. */
  receive(bytes: Bytes): void {
    if (this.#end + bytes.length > this.#held.length) {
      const left = this.#held.subarray(this.#start, this.#end);
      const held = new Uint8Array(2 * (left.length + bytes.length));
      held.set(left);
      this.#held = held;
      this.#start = 0;
      this.#end = left.length;
    }
    this.#held.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Length of the next message; `undefined` if it is not known yet. */
  get announced(): number | undefined {
    return this.#end - this.#start < 4 ? undefined : new DataView(this.#held.buffer).getUint32(this.#start);
  }

  /** Returns the next message; `undefined` if it is not whole yet. */
  next(): Bytes | undefined {
    const length = this.announced;
    if (length === undefined || length > this.#limit || this.#end - this.#start < 4 + length) return undefined;
    const from = this.#start + 4;
    this.#start = from + length;
    return this.#held.slice(from, this.#start);
  }
}
