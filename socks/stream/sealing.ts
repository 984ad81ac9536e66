/**
 * Seals several messages at a time into one buffer, for one write.
 *
 * @module
 */
import { BufferPool } from "../../base/buffer_pool.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { Eventually } from "../../base/eventually.ts";
import { Semaphore } from "../../base/semaphore.ts";
import type { GssContext } from "../../gss/context.ts";
import { wrapEventually } from "../../gss/eventual.ts";
import { FRAME_HEADER, frameInPlace, FrameType, MAX_TOKEN } from "../wire/gssapi.ts";
import type { Chunk } from "./chunk.ts";

/** Tokens that are sealed or opened at once in each direction. */
export const IN_FLIGHT = 4;
/** Longest token whose frame gets a short buffer. */
const SHORT_TOKEN = 4_604;
/** Buffers for one short frame. */
const SHORT = new BufferPool(FRAME_HEADER + SHORT_TOKEN, 256);
/** Buffers for one frame of the largest size. */
const FRAME = new BufferPool(FRAME_HEADER + MAX_TOKEN, 256);
/** Buffers for a whole batch of the largest frames. */
const FRAMES = new BufferPool(IN_FLIGHT * (FRAME_HEADER + MAX_TOKEN), 256);
/** Limits the connections that seal at once. More would not be faster, and each needs a buffer. */
const SEALING = new Semaphore(4);
/** Longer messages are cut to whole cipher blocks, which saves both sides the ciphertext stealing. */
const CUT_TO_BLOCKS = 4_096;

/** A batch of messages that are being sealed. */
export interface SealedBatch {
  /** Bytes of the chunk that the batch takes. */
  readonly length: number;
  /** Their frames, one after another; at once if the context can. */
  readonly frames: Eventually<Bytes>;
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
 * Acquires a place among the connections that seal long chunks: returns a promise to await, or `undefined` if there is one now.
 * {@linkcode sealBatch} releases it. A small chunk needs none, so that a keystroke does not wait behind downloads.
 */
export function acquireSealing(chunk: Chunk): Promise<void> | undefined {
  return chunk.isSmall ? undefined : SEALING.acquire();
}

/**
 * Starts to seal the next messages of a chunk. When it returns, each has its sequence number.
 *
 * @throws {TypeError} When the memory of the chunk was transferred or shrunk; at once or through `frames`.
 */
export function sealBatch(sealer: Sealer, chunk: Chunk, at: number): SealedBatch {
  if (chunk.isSmall) return startBatch(sealer, chunk, at);
  let frames: Eventually<Bytes> | undefined;
  try {
    const batch = startBatch(sealer, chunk, at);
    frames = batch.frames;
    return batch;
  } finally {
    if (frames instanceof Promise) frames.catch(() => {}).then(() => SEALING.release());
    else SEALING.release();
  }
}

/** A message, and whether it is encrypted. */
interface Message {
  readonly part: Uint8Array;
  readonly confidential: boolean;
}

/** Starts to seal up to {@linkcode IN_FLIGHT} messages, each at its place in one buffer. */
function startBatch(sealer: Sealer, chunk: Chunk, at: number): SealedBatch {
  const { context } = sealer;
  const bytes = chunk.from(at);
  const messages = split(sealer, bytes);
  const pool = poolFor(context, messages);
  const memory = pool.acquire();
  const wraps = messages.map((message, i) => wrapInto(context, message, memory, i * (FRAME_HEADER + MAX_TOKEN)));
  const join = (frames: readonly Bytes[]) => {
    // A context may read a message again later; a small one that is no copy was read at once.
    if (!chunk.isSmall && chunk.isShrunk) throw chunk.shrunkError(at);
    return joinFrames(frames, memory);
  };
  return {
    length: messages.reduce((length, { part }) => length + part.length, 0),
    frames: areThere(wraps) ? join(wraps) : Promise.all(wraps).then(join),
    release: () => pool.release(memory),
  };
}

/** Returns the first messages of `bytes`. */
function split({ context, confidential: isConfidential }: Sealer, bytes: Uint8Array): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length && messages.length < IN_FLIGHT;) {
    const confidential = isConfidential(bytes.length - at);
    const limit = context.wrapSizeLimit(MAX_TOKEN, { confidential });
    const part = bytes.subarray(at, at + (limit > CUT_TO_BLOCKS ? limit - limit % 16 : limit));
    messages.push({ part, confidential });
    at += part.length;
  }
  return messages;
}

/** Returns the buffers in which the frames of messages find room. */
function poolFor(context: GssContext, messages: readonly Message[]): BufferPool {
  if (messages.length !== 1) return FRAMES;
  const [message] = messages;
  return message!.part.length <= context.wrapSizeLimit(SHORT_TOKEN, message!) ? SHORT : FRAME;
}

/** Seals a message behind room for the header of its frame. A failure is a rejection: the messages beside it have their numbers. */
function wrapInto(context: GssContext, { part, confidential }: Message, memory: Bytes, at: number): Eventually<Bytes> {
  const into = memory.subarray(at, at + FRAME_HEADER + MAX_TOKEN);
  try {
    return wrapEventually(context, part, { confidential, headroom: FRAME_HEADER, into });
  } catch (error) {
    return Promise.reject(error);
  }
}

function areThere(wraps: Eventually<Bytes>[]): wraps is Bytes[] {
  return !wraps.some((wrap) => wrap instanceof Promise);
}

/** Adds the headers and joins the frames in `memory`; most frames lie at their place already. */
function joinFrames(frames: readonly Bytes[], memory: Bytes): Bytes {
  for (const frame of frames) frameInPlace(FrameType.Encapsulation, frame);
  if (frames.length === 1) return frames[0]!;
  let at = 0;
  for (const frame of frames) {
    if (frame.buffer !== memory.buffer || frame.byteOffset !== at) memory.set(frame, at);
    at += frame.length;
  }
  return memory.subarray(0, at);
}
