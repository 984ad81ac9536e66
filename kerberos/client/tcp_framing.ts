/**
 * Messages to a KDC over a stream (RFC 4120 section 7.2.2): four octets of length in front of request and reply.
 *
 * @module
 */
import { type Bytes, ByteWriter, concat, EMPTY } from "../../gss/bytes.ts";
import { KerberosError } from "../errors.ts";

/** A reply with the largest PAC is far below this; a length beyond it is not read. */
const MAX_REPLY = 1 << 20;

/** What a message goes over. */
export interface KdcStream {
  /** Some octets; `null` after the last. */
  read(): Promise<Bytes | null>;
  /** Sends all of the octets. */
  write(bytes: Bytes): Promise<unknown>;
  /** Ends both directions; calls under way fail. */
  close(): void;
}

/** Sends a message and reads its reply. The stream is closed then, and when the signal is aborted. */
export async function exchangeOverStream(stream: KdcStream, message: Bytes, signal: AbortSignal): Promise<Bytes> {
  const close = () => stream.close();
  signal.addEventListener("abort", close, { once: true });
  try {
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

async function readReply(stream: KdcStream): Promise<Bytes> {
  let held: Bytes = EMPTY;
  for (;;) {
    if (held.length >= 4) {
      const length = new DataView(held.buffer, held.byteOffset).getUint32(0);
      if (length > MAX_REPLY) throw new KerberosError("BAD_MESSAGE", `KDC announces a reply of ${length} octets`);
      if (held.length >= 4 + length) return held.slice(4, 4 + length);
    }
    const bytes = await stream.read();
    if (bytes === null) throw new KerberosError("BAD_MESSAGE", "KDC closed the connection before its reply was whole");
    held = concat(held, bytes);
  }
}
