/**
 * Messages to a KDC over a stream (RFC 4120 section 7.2.2): four bytes of length in front of request and reply.
 *
 * @module
 */
import { type Bytes, ByteWriter } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";

/** A reply with the largest PAC is far below this; a length beyond it is not read. */
const MAX_REPLY = 1 << 20;

/** What a message goes over. */
export interface KdcStream {
  /** Some bytes; `null` after the last. */
  read(): Promise<Bytes | null>;
  /** Sends all of the bytes. */
  write(bytes: Bytes): Promise<unknown>;
  /** Ends both directions; calls under way fail. */
  close(): void;
}

/** Sends a message and reads its reply. The stream is closed then, and when the signal is aborted. */
export async function exchangeOverStream(stream: KdcStream, message: Bytes, signal: AbortSignal): Promise<Bytes> {
  const close = () => closeQuietly(stream);
  signal.addEventListener("abort", close, { once: true });
  try {
    // It may have been aborted in the very moment in which the stream stood.
    signal.throwIfAborted();
    await stream.write(new ByteWriter().u32(message.length).bytes(message).finish());
    return await readReply(stream);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/** Nobody is behind a signal to take what is thrown there; and streams of others may not be closed twice. */
function closeQuietly(stream: KdcStream): void {
  try {
    stream.close();
  } catch {
    // It was to end, and nothing more is asked of it.
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

/** Takes messages out of a stream, each behind its length. The work is linear, however few come at a time. */
export class FrameReader {
  readonly #limit: number;
  #held: Bytes = new Uint8Array(1_024);
  #start = 0;
  #end = 0;

  /**
   * Makes one.
   *
   * @param limit Longest message that is waited for; whoever reads ends where more is {@linkcode announced}.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes bytes in. */
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

  /** Length of the next message, as soon as it is known. */
  get announced(): number | undefined {
    return this.#end - this.#start < 4 ? undefined : new DataView(this.#held.buffer).getUint32(this.#start);
  }

  /** The next message, once it is whole. */
  next(): Bytes | undefined {
    const length = this.announced;
    if (length === undefined || length > this.#limit || this.#end - this.#start < 4 + length) return undefined;
    const from = this.#start + 4;
    this.#start = from + length;
    return this.#held.slice(from, this.#start);
  }
}
