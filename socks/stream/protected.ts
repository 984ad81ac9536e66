/**
 * The record layer of RFC 1961 section 5: every octet travels in a token of an established context.
 *
 * Several tokens are sealed or opened at once and handed on in order. A token that is not genuine, not in its place or
 * not protected as agreed ends the connection for good, with nothing of it delivered.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import type { GssContext, UnwrappedMessage } from "../../gss/mechanism.ts";
import { GssError } from "../../gss/status.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Endpoint } from "../wire/address.ts";
import { FrameSplitter } from "../wire/frame_splitter.ts";
import { decodeFrame, encodeFrame, FRAME_HEADER, frameInPlace, FrameType, MAX_TOKEN } from "../wire/gssapi.ts";
import type { Connection } from "./connection.ts";

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

/** A connection whose octets are protected. */
export class ProtectedConnection implements Connection {
  readonly #under: Connection;
  readonly #context: GssContext;
  readonly #level: Exclude<ProtectionLevel, "none">;
  readonly #seal: SealPolicy;
  readonly #incoming = new FrameSplitter();
  /** Messages being opened, in order. */
  readonly #opening: Promise<UnwrappedMessage>[] = [];
  #ended = false;
  /** Resolved when the calls before have begun to seal all that they have. */
  #sealing: Promise<void> = Promise.resolve();
  /** Resolved when the calls before have written all that they have. */
  #writing: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

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

  async read(): Promise<Bytes | null> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      for (;;) {
        this.#openFrames();
        const opening = this.#opening.shift();
        if (opening !== undefined) {
          const data = this.#judge(await opening);
          if (data.length > 0) return data;
        } else if (this.#ended) {
          if (this.#incoming.length === 0) return null;
          throw new SocksProtocolError(
            "UNEXPECTED_END",
            "Peer closed the connection in the middle of a protected message",
          );
        } else {
          const bytes = await this.#under.read();
          if (bytes === null) this.#ended = true;
          else this.#incoming.push(bytes);
        }
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Starts opening whole frames, as many as may be under way. */
  #openFrames(): void {
    while (this.#opening.length < IN_FLIGHT) {
      const frame = this.#incoming.next();
      if (frame === undefined) return;
      const { type, token } = frame;
      if (type !== FrameType.Encapsulation) {
        throw new SocksProtocolError("UNEXPECTED_MESSAGE", `Protected message wanted, message type ${type} came`);
      }
      const opening = this.#context.unwrap(token);
      opening.catch(() => {}); // Reported when its turn comes.
      this.#opening.push(opening);
    }
  }

  /** What is genuine must also be in its place, and sealed where that was agreed. */
  #judge(message: UnwrappedMessage): Bytes {
    if (message.status !== "complete") {
      throw new SocksProtocolError("OUT_OF_ORDER", `Protected message is out of order: ${message.status}`);
    }
    if (this.#level === "confidentiality" && !message.confidential) {
      throw new SocksProtocolError("NOT_SEALED", "Protected message is signed only, and was to be sealed");
    }
    return message.data;
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

  async #writeMessages(bytes: Uint8Array, turns: { writeTurn: Promise<void>; onSealing: () => void }): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const sealing: Promise<Bytes>[] = [];
    let at = 0;
    do {
      while (at < bytes.length && sealing.length < IN_FLIGHT) {
        const confidential = this.#sealed(bytes.length - at);
        const size = this.#context.wrapSizeLimit(MAX_TOKEN, { confidential });
        const part = bytes.subarray(at, at + size);
        const wrapping = this.#context.wrap(part, { confidential, headroom: FRAME_HEADER });
        wrapping.catch(() => {}); // Reported when its turn comes.
        sealing.push(wrapping);
        at += size;
      }
      // Every number is taken: the next call's messages may take theirs.
      if (at >= bytes.length) turns.onSealing();
      await turns.writeTurn;
      const next = sealing.shift();
      if (next !== undefined) await this.#under.write(frameInPlace(FrameType.Encapsulation, await next));
    } while (at < bytes.length || sealing.length > 0);
  }

  #sealed(length: number): boolean {
    return this.#level === "confidentiality" || (this.#level === "selective" && this.#seal({ length }));
  }

  async closeWrite(): Promise<void> {
    await this.#writing;
    await this.#under.closeWrite();
  }

  close(): void {
    this.#failure ??= new SocksProtocolError("UNEXPECTED_END", "Connection is closed");
    this.#under.close();
    this.#context.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** The first failure is the one for good; both directions end with it. */
  #fail(error: unknown): Error {
    if (this.#failure !== undefined) return this.#failure;
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
      const { data, confidential, status } = await context.unwrap(decoded.value.token);
      // Datagrams may be lost and overtake one another; they may not come twice.
      if (status === "duplicate" || status === "old") {
        throw new SocksProtocolError("OUT_OF_ORDER", `Datagram was seen before: ${status}`);
      }
      if (level === "confidentiality" && !confidential) {
        throw new SocksProtocolError("NOT_SEALED", "Datagram is signed only, and was to be sealed");
      }
      return data;
    },
  };
}
