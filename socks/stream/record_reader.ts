/**
 * The incoming direction of the record layer: frames are split, opened several at a time, and delivered in order.
 *
 * @module
 */
import { type Bytes, EMPTY, giveUp } from "../../base/bytes.ts";
import { andThen, type Eventually, promised } from "../../base/eventually.ts";
import { asError } from "../../base/reason.ts";
import type { UnwrappedMessage } from "../../gss/context.ts";
import { isEventual, unwrapEventually } from "../../gss/eventual.ts";
import { GssError } from "../../gss/status.ts";
import { SocksProtocolError } from "../errors.ts";
import { FrameSplitter } from "../wire/frame_splitter.ts";
import { FrameType } from "../wire/gssapi.ts";
import { ReadSize, SHORT_READ } from "./read_size.ts";
import type { RecordState } from "./record_state.ts";
import { IN_FLIGHT } from "./sealing.ts";
import { SerialQueue } from "./serial_queue.ts";

/** Least memory of a message that is given up once the message is copied: it saves 12 us of processor time for 64 KiB. */
const LONG_MESSAGE = 16_384;

/** A token that is being opened. */
interface Opening {
  /** Length of the token, which is more than that of its message. */
  readonly length: number;
  /** The message, at once if the context can; rejected if it is not genuine, not in order or not protected as agreed. */
  readonly message: Eventually<Bytes>;
}

/** Reads protected messages. */
export class RecordReader {
  readonly #state: RecordState;
  readonly #incoming = new FrameSplitter();
  readonly #readSize = new ReadSize(SHORT_READ);
  /** Tokens that are being opened, in order. */
  readonly #opening: Opening[] = [];
  readonly #queue = new SerialQueue();
  #peerEnded = false;
  /** Whether a frame was not valid: nothing behind it is opened. */
  #broken = false;
  /** Failure of the connection below. */
  #failure: Error | undefined;

  constructor(state: RecordState) {
    this.#state = state;
  }

  /** Implements `Connection.read`. */
  read(into?: Bytes): Promise<Bytes | null> {
    return this.#queue.run(() => this.#read(into));
  }

  async #read(into: Bytes | undefined): Promise<Bytes | null> {
    this.#state.throwIfEnded(this.#failure);
    try {
      for (;;) {
        this.#openFrames();
        const [next] = this.#opening;
        if (next !== undefined) {
          const data = next.message instanceof Promise ? await next.message : next.message;
          this.#state.throwIfEnded(this.#failure);
          this.#opening.shift();
          if (data.length > 0) return this.#withFollowing(data, into);
        } else if (this.#peerEnded) {
          if (this.#incoming.length === 0) return null;
          throw new SocksProtocolError(
            "UNEXPECTED_END",
            "Peer closed the connection in the middle of a protected message",
          );
        } else this.#filled(await this.#below());
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Reads once from the connection below. An idle session waits here: an `async` function takes twice the memory. */
  #below(): Promise<Bytes | null> {
    const room = this.#incoming.room(this.#readSize.next);
    return promised(() => this.#state.connection.read(room)).catch((error) => {
      // A failure of the transport and not of the protection: writing may go on.
      if (this.#state.endOf(undefined) === undefined) this.#failure = asError(error);
      throw error;
    });
  }

  #filled(bytes: Bytes | null): void {
    this.#state.throwIfEnded(this.#failure);
    if (bytes === null) this.#peerEnded = true;
    else {
      this.#readSize.learn(bytes.length);
      this.#incoming.push(bytes);
    }
  }

  /** Starts to open complete frames, up to {@linkcode IN_FLIGHT}. An invalid one is reported when its turn comes. */
  #openFrames(): void {
    while (this.#opening.length < IN_FLIGHT && !this.#broken) {
      let token: Bytes = EMPTY;
      let message: Eventually<Bytes>;
      try {
        const frame = this.#nextToken();
        if (frame === undefined) return;
        token = frame;
        message = this.#open(token);
      } catch (error) {
        this.#broken = true;
        message = Promise.reject(error);
      }
      if (message instanceof Promise) message.catch(() => {}); // Reported when its turn comes.
      this.#opening.push({ length: token.length, message });
    }
  }

  #nextToken(): Bytes | undefined {
    const frame = this.#incoming.next();
    if (frame === undefined || frame.type === FrameType.Encapsulation) return frame?.token;
    throw new SocksProtocolError(
      "UNEXPECTED_MESSAGE",
      `Peer sent message type ${frame.type} where a protected message (type ${FrameType.Encapsulation}) must follow`,
    );
  }

  #open(token: Bytes): Eventually<Bytes> {
    const opened = unwrapEventually(this.#state.context, token, { inPlace: true });
    return andThen(opened, (message) => this.#agreed(message));
  }

  /** A genuine message must also be in order, and encrypted if that was agreed. */
  #agreed({ data, status, confidential }: UnwrappedMessage): Bytes {
    if (status !== "complete") {
      throw new SocksProtocolError("OUT_OF_ORDER", `Protected message is out of order: ${status}`);
    }
    if (this.#state.level === "confidentiality" && !confidential) {
      throw new SocksProtocolError("NOT_SEALED", "Protected message is only signed; it must be encrypted too");
    }
    return data;
  }

  /** Returns a message, joined with those behind it if the caller gave memory in which all of them surely fit. */
  #withFollowing(first: Bytes, into: Bytes | undefined): Eventually<Bytes> {
    const fits = into !== undefined && first.length <= into.length;
    if (fits) {
      this.#openFrames();
      if (this.#hasRoom(first.length, into)) return this.#join(first, into);
    }
    // A message that was only signed lies in the reader's buffer, which is read into again.
    if (first.buffer !== this.#incoming.buffer) return first;
    return fits ? join([first], into) : first.slice();
  }

  /** Whether the next message surely fits behind `length` bytes. */
  #hasRoom(length: number, into: Bytes): boolean {
    const [next] = this.#opening;
    return next !== undefined && length + next.length <= into.length;
  }

  async #join(first: Bytes, into: Bytes): Promise<Bytes> {
    const messages = [first];
    let length = first.length;
    while (this.#hasRoom(length, into)) {
      try {
        const data = await this.#opening[0]!.message;
        messages.push(data);
        length += data.length;
      } catch {
        break; // The next read reports it; the messages in front of it are good.
      }
      this.#opening.shift();
      this.#openFrames();
    }
    // The caller's memory may have been transferred during the waits above, so it is used only now.
    const joined = join(messages, length <= into.length ? into : new Uint8Array(length));
    if (isEventual(this.#state.context)) messages.forEach((message) => this.#giveUp(message));
    return joined;
  }

  /** Gives up the memory of a long message that was encrypted, which was copied. */
  #giveUp(message: Bytes): void {
    if (message.length >= LONG_MESSAGE && message.buffer !== this.#incoming.buffer) giveUp(message);
  }

  /** Returns the first failure, which stays. An invalid message ends both directions. */
  #fail(error: unknown): Error {
    const known = this.#state.endOf(this.#failure);
    if (known !== undefined) return known;
    const failure = error instanceof GssError
      ? new SocksProtocolError("NOT_GENUINE", `Protected message is not genuine: ${error.message}`, { cause: error })
      : asError(error);
    this.#state.fail(failure);
    return failure;
  }
}

/** Joins messages at the start of `memory`. */
function join(messages: readonly Bytes[], memory: Bytes): Bytes {
  let at = 0;
  for (const message of messages) {
    memory.set(message, at);
    at += message.length;
  }
  return memory.subarray(0, at);
}
