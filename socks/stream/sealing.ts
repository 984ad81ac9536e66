/**
 * Messages sealed several at a time, into one buffer, for one write.
 *
 * @module
 */
import { BufferPool } from "../../base/buffer_pool.ts";
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import type { GssContext } from "../../gss/context.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { FRAME_HEADER, frameInPlace, FrameType, MAX_TOKEN } from "../wire/gssapi.ts";
import { type Chunk, SMALL_CHUNK } from "./chunk.ts";

/** Tokens that are sealed or opened at one time in each direction. */
export const IN_FLIGHT = 4;
/** As many of the largest frames as are sealed at one time, so that one write takes them. */
const FRAMES = new BufferPool(IN_FLIGHT * (FRAME_HEADER + MAX_TOKEN), 256);
/** A single one. */
const FRAME = new BufferPool(FRAME_HEADER + MAX_TOKEN, 256);
/** Connections that seal at one time. More would not be faster, and the memory of all of them would be in use at once. */
const SEALING = new Semaphore(4);
/** Longer messages are cut to whole cipher blocks, which spares either side the stealing. */
const CUT_TO_BLOCKS = 4_096;

/** Messages that are being sealed. */
export interface SealedBatch {
  /** Bytes of the chunk that are in them. */
  readonly length: number;
  /** Their frames, one after another. */
  readonly frames: Promise<Bytes>;
  /** To be called once the frames are written. */
  readonly giveBack: () => void;
}

/** How messages are sealed. */
export interface Sealer {
  /** Established context. */
  readonly context: GssContext;
  /** Whether a message is sealed that begins with so many bytes to go. */
  readonly confidential: (left: number) => boolean;
}

/** Waits for a place among the connections that seal, where there is none: {@linkcode sealBatch} gives it back. */
export function sealingTurn(): Promise<void> | undefined {
  return SEALING.acquire();
}

/**
 * Starts to seal what comes next of a chunk. Every sequence number is taken when this returns.
 *
 * @throws {TypeError} When not all of the chunk is there any more; then or through `frames`.
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

/** Starts to seal as many messages as may be under way, each into its place in one buffer. */
function startBatch({ context, confidential: sealed }: Sealer, chunk: Chunk, at: number): SealedBatch {
  const bytes = chunk.from(at);
  const messages: { part: Uint8Array; confidential: boolean }[] = [];
  let length = 0;
  while (length < bytes.length && messages.length < IN_FLIGHT) {
    const confidential = sealed(bytes.length - length);
    const limit = context.wrapSizeLimit(MAX_TOKEN, { confidential });
    const part = bytes.subarray(length, length + (limit > CUT_TO_BLOCKS ? limit - limit % 16 : limit));
    messages.push({ part, confidential });
    length += part.length;
  }
  // A single short message gets memory of its own size.
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
    // A context may look at a message again after others had their turn.
    if (chunk.isCut) throw chunk.cut(at);
  });
  return { length, frames, giveBack: () => [FRAMES, FRAME].forEach((pool) => pool.release(memory)) };
}

/** The frames one after another, in `memory` where there are several; most lie there where they belong. */
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
