/**
 * The record layer of RFC 1961 section 5: every octet travels in a token of an established context.
 *
 * Several tokens are sealed or opened at once and handed on in order. A token that is not genuine, not in its place or
 * not protected as agreed ends the connection for good, with nothing of it delivered.
 *
 * @module
 */
import { BufferPool } from "../../gss/buffer_pool.ts";
import { type Bytes, EMPTY } from "../../gss/bytes.ts";
import type { GssContext } from "../../gss/mechanism.ts";
import { GssError } from "../../gss/status.ts";
import { Turns } from "../../gss/turns.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Endpoint } from "../wire/address.ts";
import { FrameSplitter } from "../wire/frame_splitter.ts";
import { decodeFrame, encodeFrame, FRAME_HEADER, frameInPlace, FrameType, MAX_TOKEN } from "../wire/gssapi.ts";
import type { Connection } from "./connection.ts";
import { ReadSize } from "./read_size.ts";

/** Levels of RFC 1961 section 4, and the one without protection that some programs use. */
export type ProtectionLevel = "none" | "integrity" | "confidentiality" | "selective";

/** Whether a message of so many octets is to be sealed, where each may be chosen for itself. */
export type SealPolicy = (message: { readonly length: number }) => boolean;

/** What a protected connection is made of. */
export interface ProtectedConnectionOptions {
  /** Connection underneath. */
  readonly connection: Connection;
  /** Established context. */
  readonly context: GssContext;
  /** Level agreed upon. */
  readonly level: Exclude<ProtectionLevel, "none">;
  /** Which messages are sealed at level "selective". @default {all of them} */
  readonly seal?: SealPolicy | undefined;
}

/** Tokens that are sealed or opened at one time in each direction. */
const IN_FLIGHT = 4;
/** As many of the largest frames as are sealed at one time, so that one write takes them. */
const FRAMES = new BufferPool(IN_FLIGHT * (FRAME_HEADER + MAX_TOKEN), 256);
/** Connections that seal at one time. More would not be faster, and the memory of all of them would be in use at once. */
const SEALING = new Turns(4);
/** Longer messages are cut to whole cipher blocks, which spares either side the stealing. */
const CUT_TO_BLOCKS = 4_096;

/** A token being opened. */
interface Opening {
  /** Octets of the token, which are more than its message has. */
  readonly length: number;
  /** The message, genuine, in its place and protected as agreed. */
  readonly message: Promise<Bytes>;
}

/** A connection whose octets are protected. */
export class ProtectedConnection implements Connection {
  readonly #under: Connection;
  readonly #context: GssContext;
  readonly #level: Exclude<ProtectionLevel, "none">;
  readonly #seal: SealPolicy;
  readonly #incoming = new FrameSplitter();
  readonly #readSize = new ReadSize();
  /** Messages being opened, in order. */
  readonly #opening: Opening[] = [];
  #ended = false;
  /** Whether what came is no stream of messages from some place on. */
  #broken = false;
  /** Resolved when the calls before have begun to seal all that they have. */
  #sealing: Promise<void> = Promise.resolve();
  /** Resolved when the calls before have written all that they have. */
  #writing: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #closed = false;

  constructor(options: ProtectedConnectionOptions) {
    this.#under = options.connection;
    this.#context = options.context;
    this.#level = options.level;
    this.#seal = options.seal ?? (() => true);
  }

  get local(): Endpoint | undefined {
    return this.#under.local;
  }

  get remote(): Endpoint | undefined {
    return this.#under.remote;
  }

  async read(into?: Bytes): Promise<Bytes | null> {
    this.#alive();
    try {
      for (;;) {
        this.#openFrames();
        if (this.#opening.length > 0) {
          const data = await this.#nextMessages(into);
          if (data.length > 0) return data;
        } else if (this.#ended) {
          if (this.#incoming.length === 0) return null;
          throw new SocksProtocolError(
            "UNEXPECTED_END",
            "Peer closed the connection in the middle of a protected message",
          );
        } else {
          const room = this.#incoming.room(this.#readSize.next);
          const bytes = await this.#under.read(room);
          if (bytes === null) this.#ended = true;
          else {
            this.#readSize.learn(bytes.length);
            this.#incoming.push(bytes);
          }
        }
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Starts opening whole frames, as many as may be under way. What is wrong with one is told when its turn comes. */
  #openFrames(): void {
    while (this.#opening.length < IN_FLIGHT && !this.#broken) {
      let token: Bytes = EMPTY;
      let message: Promise<Bytes>;
      try {
        const frame = this.#nextToken();
        if (frame === undefined) return;
        token = frame;
        message = this.#open(token);
      } catch (error) {
        this.#broken = true;
        message = Promise.reject(error);
      }
      message.catch(() => {}); // Reported when its turn comes.
      this.#opening.push({ length: token.length, message });
    }
  }

  #nextToken(): Bytes | undefined {
    const frame = this.#incoming.next();
    if (frame === undefined || frame.type === FrameType.Encapsulation) return frame?.token;
    throw new SocksProtocolError("UNEXPECTED_MESSAGE", `Protected message wanted, message type ${frame.type} came`);
  }

  /** What is genuine must also be in its place, and sealed where that was agreed. */
  async #open(token: Bytes): Promise<Bytes> {
    const { data, status, confidential } = await this.#context.unwrap(token, { inPlace: true });
    if (status !== "complete") {
      throw new SocksProtocolError("OUT_OF_ORDER", `Protected message is out of order: ${status}`);
    }
    if (this.#level === "confidentiality" && !confidential) {
      throw new SocksProtocolError("NOT_SEALED", "Protected message is signed only, and was to be sealed");
    }
    return data;
  }

  /** The next message, and those behind it that are under way and surely find room in `into`, where one is given. */
  async #nextMessages(into: Bytes | undefined): Promise<Bytes> {
    const first = await this.#opening[0]!.message;
    this.#opening.shift();
    // What was only signed lies in the memory of the stream, which is read into again.
    if (into === undefined || first.length > into.length) {
      return first.buffer === this.#incoming.buffer ? first.slice() : first;
    }
    into.set(first);
    let at = first.length;
    for (;;) {
      this.#openFrames();
      const next = this.#opening[0];
      if (next === undefined || at + next.length > into.length) break;
      try {
        const data = await next.message;
        into.set(data, at);
        at += data.length;
      } catch {
        break; // It is the first one the next time, and what came before it was good.
      }
      this.#opening.shift();
    }
    return into.subarray(0, at);
  }

  /**
   * Sealing keeps to the order of the calls, and so does writing; but the next call's messages may be sealed while this
   * one's are still being written.
   */
  async write(bytes: Uint8Array): Promise<void> {
    const [sealTurn, writeTurn] = [this.#sealing, this.#writing];
    const [sealed, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#sealing = sealed.promise;
    this.#writing = written.promise;
    try {
      await sealTurn;
      await this.#writeMessages(bytes, { writeTurn, onSealing: sealed.resolve });
    } catch (error) {
      throw this.#fail(error);
    } finally {
      sealed.resolve();
      written.resolve();
    }
  }

  /** Frames are sealed a batch at a time, the next one while the one before goes out. */
  async #writeMessages(bytes: Uint8Array, turns: { writeTurn: Promise<void>; onSealing: () => void }): Promise<void> {
    this.#alive();
    let writing = turns.writeTurn;
    for (let at = 0; at < bytes.length;) {
      const batch = await this.#inTurn(() => this.#startBatch(bytes.subarray(at)));
      at += batch.length;
      // Every number is taken: the next call's messages may take theirs.
      if (at >= bytes.length) turns.onSealing();
      batch.frames.catch(() => {}); // Reported below, unless the write before fails too.
      await writing;
      writing = batch.frames.then(async (frames) => {
        await this.#under.write(frames);
        FRAMES.giveBack(batch.memory);
      });
      writing.catch(() => {}); // Reported one round later.
    }
    turns.onSealing();
    await writing;
  }

  /** Starts when there is a place, and gives it back when all is sealed. */
  async #inTurn<T extends { readonly frames: Promise<Bytes> }>(start: () => T): Promise<T> {
    const turn = SEALING.take();
    if (turn !== undefined) await turn;
    try {
      const started = start();
      started.frames.catch(() => {}).then(() => SEALING.giveBack());
      return started;
    } catch (error) {
      SEALING.giveBack();
      throw error;
    }
  }

  /** Starts to seal as many messages as may be under way, each into its place in one buffer. */
  #startBatch(bytes: Uint8Array): { length: number; memory: Bytes; frames: Promise<Bytes> } {
    const messages: { part: Uint8Array; confidential: boolean }[] = [];
    let length = 0;
    while (length < bytes.length && messages.length < IN_FLIGHT) {
      const confidential = this.#sealed(bytes.length - length);
      const limit = this.#context.wrapSizeLimit(MAX_TOKEN, { confidential });
      const part = bytes.subarray(length, length + (limit > CUT_TO_BLOCKS ? limit - limit % 16 : limit));
      messages.push({ part, confidential });
      length += part.length;
    }
    // A single short message gets memory of its own size.
    const memory = bytes.length > CUT_TO_BLOCKS ? FRAMES.take() : EMPTY;
    const wraps = messages.map(({ part, confidential }, i) => {
      const into = memory.subarray(i * (FRAME_HEADER + MAX_TOKEN), (i + 1) * (FRAME_HEADER + MAX_TOKEN));
      return this.#context.wrap(part, {
        confidential,
        headroom: FRAME_HEADER,
        ...(into.length > 0 ? { into } : {}),
      });
    });
    return { length, memory, frames: joinFrames(Promise.all(wraps), memory) };
  }

  #sealed(length: number): boolean {
    return this.#level === "confidentiality" || (this.#level === "selective" && this.#seal({ length }));
  }

  async closeWrite(): Promise<void> {
    await this.#writing;
    await this.#under.closeWrite();
  }

  close(): void {
    this.#closed = true;
    this.#under.close();
    this.#context.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #alive(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw closedError();
  }

  /** The first failure is the one for good; both directions end with it. */
  #fail(error: unknown): Error {
    if (this.#failure !== undefined) return this.#failure;
    if (this.#closed) return closedError();
    const failure = error instanceof GssError
      ? new SocksProtocolError("NOT_GENUINE", `Protected message is not genuine: ${error.message}`, { cause: error })
      : error instanceof Error
      ? error
      : new Error(String(error));
    this.#failure = failure;
    this.#under.close();
    this.#context.dispose();
    return failure;
  }
}

function closedError(): Error {
  return new SocksProtocolError("UNEXPECTED_END", "Connection is closed");
}

/** The frames one after another, in `memory` where there are several; most lie there where they belong. */
async function joinFrames(sealing: Promise<Bytes[]>, memory: Bytes): Promise<Bytes> {
  const frames = await sealing;
  for (const frame of frames) frameInPlace(FrameType.Encapsulation, frame);
  if (frames.length === 1) return frames[0]!;
  let at = 0;
  for (const frame of frames) {
    if (frame.buffer !== memory.buffer || frame.byteOffset !== at) memory.set(frame, at);
    at += frame.length;
  }
  return memory.subarray(0, at);
}

/** Seals and opens single datagrams with the context of the control connection (RFC 1961 section 5). */
export interface DatagramCodec {
  /** A datagram as it goes to the peer. */
  seal(datagram: Uint8Array): Promise<Bytes>;
  /** A datagram out of what came; throws where it is not genuine, was seen before or is not protected as agreed. */
  open(bytes: Uint8Array): Promise<Bytes>;
}

/** Datagrams without protection. */
export const plainDatagrams: DatagramCodec = {
  seal: (datagram) => Promise.resolve(new Uint8Array(datagram)),
  open: (bytes) => Promise.resolve(new Uint8Array(bytes)),
};

/** Datagrams in `01 03` frames, each whole in itself. */
export function protectedDatagrams(options: Omit<ProtectedConnectionOptions, "connection">): DatagramCodec {
  const { context, level, seal = () => true } = options;
  return {
    async seal(datagram): Promise<Bytes> {
      const confidential = level === "confidentiality" || (level === "selective" && seal({ length: datagram.length }));
      return encodeFrame(FrameType.Encapsulation, await context.wrap(datagram, { confidential }));
    },
    async open(bytes): Promise<Bytes> {
      const decoded = decodeFrame(bytes as Bytes);
      if (decoded === undefined || decoded.length !== bytes.length || decoded.value.type !== FrameType.Encapsulation) {
        throw new SocksProtocolError("BAD_MESSAGE", `Datagram of ${bytes.length} octets is not one protected message`);
      }
      const { data, confidential, status } = await context.unwrap(decoded.value.token, { inPlace: true });
      // Datagrams may be lost and overtake one another; they may not come twice. A context that keeps the order too, which
      // it need not (RFC 1961 section 3.2), cannot tell a late one from one that came long ago.
      if (status === "duplicate" || status === "old" || status === "unsequenced") {
        throw new SocksProtocolError("OUT_OF_ORDER", `Datagram was seen before: ${status}`);
      }
      if (level === "confidentiality" && !confidential) {
        throw new SocksProtocolError("NOT_SEALED", "Datagram is signed only, and was to be sealed");
      }
      return data;
    },
  };
}
