/**
 * Seals several messages at a time into one buffer, for one write.
 *
 * @module
 */
import { BufferPool } from "../../base/buffer_pool.ts";
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import type { GssContext } from "../../gss/context.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { FRAME_HEADER, frameInPlace, FrameType, MAX_TOKEN } from "../wire/gssapi.ts";
import { type Chunk, SMALL_CHUNK } from "./chunk.ts";

/** Tokens that are sealed or opened at once in each direction. */
export const IN_FLIGHT = 4;
/** Buffers for a whole batch of the largest frames. */
const FRAMES = new BufferPool(IN_FLIGHT * (FRAME_HEADER + MAX_TOKEN), 256);
/** Buffers for one frame of the largest size. */
const FRAME = new BufferPool(FRAME_HEADER + MAX_TOKEN, 256);
/** Limits the connections that seal at once. More would not be faster, and each needs a buffer. */
const SEALING = new Semaphore(4);
/** Longer messages are cut to whole cipher blocks, which saves both sides the ciphertext stealing. */
const CUT_TO_BLOCKS = 4_096;

/** A batch of messages that are being sealed. */
export interface SealedBatch {
  /** Bytes of the chunk that the batch takes. */
  readonly length: number;
  /** Their frames, one after another. */
  readonly frames: Promise<Bytes>;
  /** To be called after the frames are sent: returns their buffer to its pool. */
  readonly release: () => void;
}

/** What seals messages. */
export interface Sealer {
  /** Established context. */
  readonly context: GssContext;
  /** Whether the next message is encrypted, if `length` bytes are still to be sent. */
  readonly confidential: (length: number) => boolean;
}

/**
 * Acquires a place among the connections that seal: returns a promise to await, or `undefined` if there is one now.
 * {@linkcode sealBatch} releases it.
 */
export function acquireSealing(): Promise<void> | undefined {
  return SEALING.acquire();
}

/**
 * Starts to seal the next messages of a chunk. When it returns, each has its sequence number.
 *
 * @throws {TypeError} When the memory of the chunk was transferred or shrunk; at once or through `frames`.
 */
export function sealBatch(sealer: Sealer, chunk: Chunk, at: number): SealedBatch {
  try {
    const batch = startBatch(sealer, chunk, at);
    batch.frames.catch(() => {}).then(() => SEALING.release());
    return batch;
  } catch (error) {
    SEALING.release();
    throw error;
  }
}

/** Starts to seal up to {@linkcode IN_FLIGHT} messages, each at its place in one buffer. */
function startBatch({ context, confidential: isConfidential }: Sealer, chunk: Chunk, at: number): SealedBatch {
  const bytes = chunk.from(at);
  const messages: { part: Uint8Array; confidential: boolean }[] = [];
  let length = 0;
  while (length < bytes.length && messages.length < IN_FLIGHT) {
    const confidential = isConfidential(bytes.length - length);
    const limit = context.wrapSizeLimit(MAX_TOKEN, { confidential });
    const part = bytes.subarray(length, length + (limit > CUT_TO_BLOCKS ? limit - limit % 16 : limit));
    messages.push({ part, confidential });
    length += part.length;
  }
  // A short message gets memory of its own size.
  const memory = bytes.length <= SMALL_CHUNK ? EMPTY : (messages.length === 1 ? FRAME : FRAMES).acquire();
  const wraps = messages.map(({ part, confidential }, i) => {
    const into = memory.subarray(i * (FRAME_HEADER + MAX_TOKEN), (i + 1) * (FRAME_HEADER + MAX_TOKEN));
    return context.wrap(part, {
      confidential,
      headroom: FRAME_HEADER,
      ...(into.length > 0 ? { into } : {}),
    });
  });
  const frames = joinFrames(Promise.all(wraps), memory, () => {
    // A context may read a message again later.
    if (chunk.isShrunk) throw chunk.shrunkError(at);
  });
  return { length, frames, release: () => [FRAMES, FRAME].forEach((pool) => pool.release(memory)) };
}

/** Adds the headers and joins the frames in `memory`; most frames lie at their place already. */
async function joinFrames(sealing: Promise<Bytes[]>, memory: Bytes, check: () => void): Promise<Bytes> {
  const frames = await sealing;
  check();
  for (const frame of frames) frameInPlace(FrameType.Encapsulation, frame);
  if (frames.length === 1) return frames[0]!;
  let at = 0;
  for (const frame of frames) {
    if (frame.buffer !== memory.buffer || frame.byteOffset !== at) memory.set(frame, at);
    at += frame.length;
  }
  return memory.subarray(0, at);
}
