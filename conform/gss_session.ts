/**
 * Either side of RFC 1961 once its context is established: genuine messages, right or wrong, and what the peer's are.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../base/bytes.ts";
import { GssError } from "../gss/status.ts";
import type { GssContext } from "../gss/context.ts";
import type { Endpoint } from "../socks/wire/address.ts";
import { encodeFrame, FrameType } from "../socks/wire/gssapi.ts";
import type { Channel } from "./channel.ts";
import { expect, Failed } from "./check.ts";
import { shown } from "./hex.ts";
import type { Raw } from "./raw.ts";

/** A message of the peer, as it was protected. */
export interface ProtectedMessage {
  readonly type: number;
  readonly token: Bytes;
  readonly data: Bytes;
  /** Whether it was encrypted. */
  readonly confidential: boolean;
}

/** How a message is put into a frame. */
export interface FrameOptions {
  /** Whether it is encrypted. @default {as the level asks} */
  readonly confidential?: boolean | undefined;
  /** Message type. @default {3} */
  readonly type?: number | undefined;
}

/** A session with an established context. As a channel it sends and takes messages as the level asks. */
export class GssSession implements Channel {
  readonly raw: Raw;
  readonly context: GssContext;
  /** Level that was agreed; 0 before. */
  level = 0;
  #held: Bytes = EMPTY;

  constructor(raw: Raw, context: GssContext) {
    this.raw = raw;
    this.context = context;
  }

  get local(): Endpoint | undefined {
    return this.raw.local;
  }

  /** Returns a frame with a message in a token of the context. */
  async frame(message: Uint8Array, options: FrameOptions = {}): Promise<Bytes> {
    const { confidential = this.level >= 2, type = FrameType.Encapsulation } = options;
    return encodeFrame(type, await this.context.wrap(message, { confidential }));
  }

  /** Returns the message in the next frame, which must have this type and be genuine, new and in its place. */
  async next(type: number, what: string): Promise<ProtectedMessage> {
    const { type: found, token } = await this.raw.frame(what);
    if (found !== type) throw new Failed(what, `a message of type ${found} with ${shown(token)}`);
    return { type, token, ...await this.opened(token, what) };
  }

  /** Opens a token of the peer. */
  async opened(token: Bytes, what: string): Promise<{ readonly data: Bytes; readonly confidential: boolean }> {
    try {
      const { data, confidential, status } = await this.context.unwrap(token);
      const ordered = !this.context.flags.sequence || status === "complete";
      expect(ordered, what, `a token out of order (${status}): ${shown(token)}`);
      return { data, confidential };
    } catch (error) {
      if (!(error instanceof GssError)) throw error;
      throw new Failed(what, `a token that is not genuine: ${shown(token)}`);
    }
  }

  async send(...messages: readonly Uint8Array[]): Promise<void> {
    if (this.level === 0) return await this.raw.send(...messages);
    const frames: Bytes[] = [];
    for (const message of messages) frames.push(await this.frame(message));
    await this.raw.send(...frames);
  }

  /** Returns bytes of the peer's messages, each of which must be protected as the level asks (RFC 1961 section 5). */
  async take(length: number, what: string): Promise<Bytes> {
    if (this.level === 0) return await this.raw.take(length, what);
    while (this.#held.length < length) {
      const { data, confidential } = await this.next(FrameType.Encapsulation, what);
      if (this.level === 1) expect(!confidential, "a message that is signed only, at level 1", "an encrypted one");
      if (this.level === 2) expect(confidential, "an encrypted message, at level 2", "one that is signed only");
      this.#held = concat(this.#held, data);
    }
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }

  async finish(): Promise<void> {
    await this.raw.finish();
  }

  async close(): Promise<void> {
    await this.raw.close();
  }

  async ended(what: string): Promise<Bytes> {
    return concat(this.#held, await this.#plain(await this.raw.ended(what)));
  }

  async drain(): Promise<Bytes> {
    return concat(this.#held, await this.#plain(await this.raw.drain()));
  }

  /** What complete and genuine frames hold. */
  async #plain(bytes: Bytes): Promise<Bytes> {
    if (this.level === 0) return bytes;
    let [plain, rest] = [EMPTY, bytes];
    while (rest.length >= 4 && rest[1] === FrameType.Encapsulation) {
      const length = 4 + (rest[2]! << 8 | rest[3]!);
      if (rest.length < length) break;
      plain = concat(plain, (await this.opened(rest.slice(4, length), "genuine messages until the end")).data);
      rest = rest.subarray(length);
    }
    return plain;
  }
}

/** Returns a copy with one bit changed, `fromEnd` bytes before the end. */
export function damaged(bytes: Uint8Array, fromEnd = 1): Bytes {
  const copy = new Uint8Array(bytes);
  copy[copy.length - fromEnd]! ^= 1;
  return copy;
}
