/**
 * The record layer of RFC 1961 section 5: every byte travels in a token of an established context.
 *
 * Several tokens are sealed or opened at once and handed on in order. A token that is not genuine, not in its place or
 * not protected as agreed ends the connection for good, with nothing of it delivered.
 *
 * @module
 */
import type { ProtectionLevel, SealPolicy } from "../protection.ts";
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import type { GssContext } from "../../gss/mechanism.ts";
import { GssError } from "../../gss/status.ts";
import { SocksConnectionError, SocksProtocolError } from "../errors.ts";
import { asError } from "../../base/reason.ts";
import type { Endpoint } from "../wire/address.ts";
import { FrameSplitter } from "../wire/frame_splitter.ts";
import { FrameType } from "../wire/gssapi.ts";
import { Chunk } from "./chunk.ts";
import { closedError } from "./closed_error.ts";
import { abort, type Connection, probe } from "./connection.ts";
import { SerialQueue } from "./serial_queue.ts";
import { ReadSize } from "./read_size.ts";
import { IN_FLIGHT, sealBatch, type SealedBatch, type Sealer, sealingTurn } from "./sealing.ts";

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

/** Header of a message whose token does not come. */
const BEGUN = Uint8Array.of(1, FrameType.Encapsulation, 0, 32);

/** A token being opened. */
interface Opening {
  /** Bytes of the token, which are more than its message has. */
  readonly length: number;
  /** The message, genuine, in its place and protected as agreed. */
  readonly message: Promise<Bytes>;
}

/** A connection whose bytes are protected. */
export class ProtectedConnection implements Connection {
  readonly #under: Connection;
  readonly #context: GssContext;
  readonly #level: Exclude<ProtectionLevel, "none">;
  readonly #seal: SealPolicy;
  readonly #sealer: Sealer;
  readonly #incoming = new FrameSplitter();
  readonly #readSize = new ReadSize();
  /** Messages being opened, in order. */
  readonly #opening: Opening[] = [];
  readonly #reading = new SerialQueue();
  #ended = false;
  /** Whether what came is no stream of messages from some place on. */
  #broken = false;
  #readFailure: Error | undefined;
  /** Resolved when the calls before have begun to seal all that they have; none where they have. */
  #sealing: Promise<void> | undefined;
  /** Resolved when the calls before have written all that they have. */
  #writing: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;
  #writeFailure: Error | undefined;
  /** Failure of the protection itself, which ends both directions. */
  #failure: Error | undefined;
  #closed = false;

  constructor(options: ProtectedConnectionOptions) {
    this.#under = options.connection;
    this.#context = options.context;
    this.#level = options.level;
    this.#seal = options.seal ?? (() => true);
    this.#sealer = { context: options.context, confidential: (left) => this.#sealed(left) };
  }

  get local(): Endpoint | undefined {
    return this.#under.local;
  }

  get remote(): Endpoint | undefined {
    return this.#under.remote;
  }

  get relayedBy(): Endpoint | undefined {
    return this.#under.relayedBy;
  }

  /** With what is around the messages. */
  get written(): number | undefined {
    return this.#under.written;
  }

  /** Calls at one time are served one after another: a message is one call's, and so is the memory of the stream. */
  read(into?: Bytes): Promise<Bytes | null> {
    return this.#reading.run(() => this.#read(into));
  }

  async #read(into: Bytes | undefined): Promise<Bytes | null> {
    this.#mayRead();
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
        } else await this.#fill();
      }
    } catch (error) {
      throw this.#failReading(error);
    }
  }

  /** Reads once from the connection underneath. */
  async #fill(): Promise<void> {
    const room = this.#incoming.room(this.#readSize.next);
    let bytes: Bytes | null;
    try {
      bytes = await this.#under.read(room);
    } catch (error) {
      // The transport's failure and not the protection's: what is to be sent may still go.
      if (this.#failure === undefined && !this.#closed) this.#readFailure = asError(error);
      throw error;
    }
    this.#mayRead();
    if (bytes === null) this.#ended = true;
    else {
      this.#readSize.learn(bytes.length);
      this.#incoming.push(bytes);
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
    this.#mayRead();
    this.#opening.shift();
    // What was only signed lies in the memory of the stream, which is read into again.
    if (into === undefined || first.length > into.length) {
      return first.buffer === this.#incoming.buffer ? first.slice() : first;
    }
    const messages = [first];
    let length = first.length;
    for (;;) {
      this.#openFrames();
      const next = this.#opening[0];
      if (next === undefined || length + next.length > into.length) break;
      try {
        const data = await next.message;
        messages.push(data);
        length += data.length;
      } catch {
        break; // It is the first one the next time, and what came before it was good.
      }
      this.#opening.shift();
    }
    // The memory may have been taken away while this waited, which is why nothing was put there before.
    return put(messages, length <= into.length ? into : new Uint8Array(length));
  }

  /**
   * Sealing keeps to the order of the calls, and so does writing; but the next call's messages may be sealed while this
   * one's are still being written. It begins at once where nobody is ahead.
   */
  async write(bytes: Uint8Array): Promise<void> {
    const chunk = new Chunk(bytes, true);
    this.#mayWrite();
    const [sealTurn, writeTurn] = [this.#sealing, this.#writing];
    const [sealed, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#sealing = sealed.promise;
    this.#writing = written.promise;
    const onSealing = () => {
      if (this.#sealing === sealed.promise) this.#sealing = undefined;
      sealed.resolve();
    };
    try {
      if (sealTurn !== undefined) await sealTurn;
      await this.#writeMessages(chunk, { writeTurn, onSealing });
    } catch (error) {
      throw this.#failWriting(error);
    } finally {
      onSealing();
      written.resolve();
    }
  }

  /** Frames are sealed a batch at a time, the next one while the one before goes out. */
  async #writeMessages(chunk: Chunk, turns: { writeTurn: Promise<void>; onSealing: () => void }): Promise<void> {
    let writing = turns.writeTurn;
    for (let at = 0; at < chunk.length;) {
      const turn = sealingTurn();
      if (turn !== undefined) await turn;
      let batch: SealedBatch;
      try {
        batch = sealBatch(this.#sealer, chunk, at);
      } catch (error) {
        // What was sealed before is sent, and then as much is sent as the error says.
        await writing;
        throw error;
      }
      at += batch.length;
      // Every number is taken: the next call's messages may take theirs.
      if (at >= chunk.length) turns.onSealing();
      batch.frames.catch(() => {}); // Reported below, unless the write before fails too.
      await writing;
      writing = this.#send(batch);
      writing.catch(() => {}); // Reported one round later.
    }
    turns.onSealing();
    await writing;
  }

  async #send({ frames, giveBack }: SealedBatch): Promise<void> {
    const bytes = await frames;
    // Behind a write that failed there would be a gap.
    this.#mayGoOn();
    await this.#under.write(bytes);
    giveBack();
  }

  #sealed(length: number): boolean {
    return this.#level === "confidentiality" || (this.#level === "selective" && this.#seal({ length }));
  }

  async closeWrite(): Promise<void> {
    this.#mayGoOn();
    await (this.#ending ??= this.#writing.then(() => this.#endWriting()));
  }

  async #endWriting(): Promise<void> {
    try {
      // An end behind messages that are missing would make the rest look like the whole.
      this.#mayGoOn();
      await this.#under.closeWrite();
    } catch (error) {
      throw this.#failWriting(error);
    }
  }

  close(): void {
    this.#closed = true;
    this.#under.close();
    this.#context.dispose();
  }

  /** RFC 1961 has no word for it. A message that is begun and never finished is no end to anybody. */
  abort(): void {
    const able = !this.#closed && (this.#failure ?? this.#writeFailure) === undefined;
    this.#closed = true;
    // Behind an end of this side's nothing goes, which is the transport's to know.
    abort(this.#under, able ? BEGUN : undefined);
    this.#context.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  probe(): Promise<void> {
    return probe(this.#under);
  }

  /** Keeps the process going, where the connection underneath can. */
  ref(): void {
    this.#under.ref?.();
  }

  /** Lets the process end, where the connection underneath can. */
  unref(): void {
    this.#under.unref?.();
  }

  #mayRead(): void {
    const failure = this.#failure ?? this.#readFailure;
    if (failure !== undefined) throw failure;
    if (this.#closed) throw closedError("The connection");
  }

  #mayWrite(): void {
    this.#mayGoOn();
    if (this.#ending !== undefined) throw closedError("Writing");
  }

  #mayGoOn(): void {
    const failure = this.#failure ?? this.#writeFailure;
    if (failure !== undefined) throw failure;
    if (this.#closed) throw closedError("The connection");
  }

  /** The first failure is the one for good. What is wrong with a message ends both directions. */
  #failReading(error: unknown): Error {
    const known = this.#failure ?? this.#readFailure;
    if (known !== undefined) return known;
    if (this.#closed) return closedError("The connection");
    const failure = error instanceof GssError
      ? new SocksProtocolError("NOT_GENUINE", `Protected message is not genuine: ${error.message}`, { cause: error })
      : asError(error);
    this.#failure = failure;
    this.#under.close();
    this.#context.dispose();
    return failure;
  }

  /** The first failure is the one for good, and says nothing of what comes from the peer. */
  #failWriting(error: unknown): Error {
    const known = this.#failure ?? this.#writeFailure;
    if (known !== undefined) return known;
    if (this.#closed) return closedError("The connection");
    this.#writeFailure = error instanceof GssError
      ? new SocksConnectionError("LOST", `Cannot protect a message: ${error.message}`, { cause: error })
      : asError(error);
    return this.#writeFailure;
  }
}

/** Messages one after another in memory that has room for them. */
function put(messages: readonly Bytes[], memory: Bytes): Bytes {
  let at = 0;
  for (const message of messages) {
    memory.set(message, at);
    at += message.length;
  }
  return memory.subarray(0, at);
}
