/**
 * A connection on which a check sends any bytes and waits for any others.
 *
 * @module
 */
import { type Bytes, concat, EMPTY, sameBytes } from "../base/bytes.ts";
import { abortable, pause, startDeadline } from "../base/deadline.ts";
import type { Connection } from "../socks/stream/connection.ts";
import type { Endpoint } from "../socks/wire/address.ts";
import { decodeFrame, type Frame, FrameType } from "../socks/wire/gssapi.ts";
import type { Channel } from "./channel.ts";
import { EndedSilently, Failed } from "./check.ts";
import { contains, shown } from "./hex.ts";

/** How long a check waits, in milliseconds. */
export interface Times {
  /** For an answer, or for an end. */
  readonly answer: number;
  /** For what must not come. */
  readonly silence: number;
}

/** What a wait ended with. */
type Came = "bytes" | "end" | "reset" | "silence";

/** A connection byte by byte. */
export class Raw implements Channel {
  readonly #connection: Connection;
  readonly #times: Times;
  #held: Bytes = EMPTY;
  #reading: Promise<void> | undefined;
  #over: "end" | "reset" | undefined;

  constructor(connection: Connection, times: Times) {
    this.#connection = connection;
    this.#times = times;
  }

  /** Address of this end. */
  get local(): Endpoint | undefined {
    return this.#connection.local;
  }

  /** A write that fails is no finding: what the peer says, or that it has ended, is read. */
  async send(...messages: readonly Uint8Array[]): Promise<void> {
    await this.#connection.write(concat(...messages)).catch(() => {});
  }

  /** Sends every byte in a write of its own, the first ones apart in time, so that the peer reads them apart. */
  async trickle(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at++) {
      await this.send(bytes.subarray(at, at + 1));
      if (at < APART || at > bytes.length - APART) await pause(1);
    }
  }

  /** Sends bytes in two writes apart in time. */
  async sendCut(bytes: Uint8Array, at: number): Promise<void> {
    await this.send(bytes.subarray(0, at));
    await pause(this.#times.silence / 4);
    await this.send(bytes.subarray(at));
  }

  async take(length: number, what: string): Promise<Bytes> {
    return await this.message(
      (held) => held.length >= length ? { length, value: held.slice(0, length) } : undefined,
      what,
    );
  }

  /** Returns the next message, as soon as `decode` finds one in the bytes that came. */
  async message<T>(decode: (held: Bytes) => { length: number; value: T } | undefined, what: string): Promise<T> {
    for (;;) {
      const found = this.#decoded(decode, what);
      if (found !== undefined) {
        this.#held = this.#held.subarray(found.length);
        return found.value;
      }
      const came = await this.#more(this.#times.answer);
      if (came === "bytes") continue;
      const wordless = came !== "silence" && this.#held.length === 0;
      throw new (wordless ? EndedSilently : Failed)(what, this.#instead(came));
    }
  }

  #decoded<T>(decode: (held: Bytes) => T, what: string): T {
    try {
      return decode(this.#held);
    } catch {
      throw new Failed(what, shown(this.#held));
    }
  }

  /** Waits for the next bytes and leaves them where they are; none after the end. */
  async peek(what: string): Promise<Bytes> {
    while (this.#held.length === 0) {
      const came = await this.#more(this.#times.answer);
      if (came === "silence") throw new Failed(what, this.#instead(came));
      if (came !== "bytes") break;
    }
    return this.#held;
  }

  /** Returns the next frame of RFC 1961. */
  async frame(what: string): Promise<Frame> {
    return await this.message((held) => {
      const decoded = decodeFrame(held);
      return decoded && { length: decoded.length, value: { ...decoded.value, token: decoded.value.token.slice() } };
    }, what);
  }

  /**
   * Waits for the refusal (RFC 1961 section 3.8). Error tokens may come before it (RFC 7546 section 3.5).
   *
   * @param why What was sent, for the report.
   */
  async refusal(why: string): Promise<void> {
    const what = `01 ff, the refusal, after ${why}`;
    for (;;) {
      const { type, token } = await this.frame(what);
      if (type === FrameType.Abort) return;
      if (type !== FrameType.Authentication) throw new Failed(what, `a message of type ${type} with ${shown(token)}`);
    }
  }

  /** Expects these bytes next. */
  async expect(bytes: Uint8Array, what: string): Promise<void> {
    const came = await this.take(bytes.length, what);
    if (!sameBytes(came, bytes)) throw new Failed(what, shown(came));
  }

  async finish(): Promise<void> {
    await this.#connection.closeWrite().catch(() => {});
  }

  async ended(what: string): Promise<Bytes> {
    for (;;) {
      const came = await this.#more(this.#times.answer);
      if (came === "silence") throw new Failed(what, this.#instead(came));
      if (came !== "bytes") return this.#rest();
    }
  }

  async drain(): Promise<Bytes> {
    while (await this.#more(this.#times.silence) === "bytes");
    return this.#rest();
  }

  /** Reads until these bytes have come, an end, or silence; returns all of it. */
  async drainTo(mark: Uint8Array): Promise<Bytes> {
    while (!contains(this.#held, mark) && await this.#more(this.#times.silence) === "bytes");
    return this.#rest();
  }

  /** Whether bytes are there, or come before the time of silence is over. */
  async hasMore(): Promise<boolean> {
    return this.#held.length > 0 || await this.#more(this.#times.silence) === "bytes";
  }

  /** Expects that nothing comes for a while, and no end. */
  async silent(what: string): Promise<void> {
    const came = this.#held.length > 0 ? "bytes" : await this.#more(this.#times.silence);
    if (came !== "silence") throw new Failed(what, this.#instead(came));
  }

  /** Ends both directions; what was being read is over then. */
  async close(): Promise<void> {
    this.#connection.close();
    await this.#reading;
  }

  #rest(): Bytes {
    const rest = this.#held;
    this.#held = EMPTY;
    return rest;
  }

  /** Waits until more bytes came, the peer has ended, or the time is over. A read that is not finished serves the next call. */
  async #more(milliseconds: number): Promise<Came> {
    if (this.#over !== undefined) return this.#over;
    this.#reading ??= this.#connection.read().then(
      (bytes) => {
        if (bytes === null) this.#over = "end";
        else this.#held = concat(this.#held, bytes);
      },
      () => void (this.#over = "reset"),
    ).finally(() => this.#reading = undefined);
    using deadline = startDeadline({ milliseconds, reason: () => new Error("nothing came") });
    const came = await abortable(this.#reading, deadline).then(() => true, () => false);
    return came ? this.#over ?? "bytes" : "silence";
  }

  #instead(came: Came): string {
    const bytes = this.#held.length === 0 ? "" : `${shown(this.#held)}, `;
    if (came === "bytes") return shown(this.#held);
    return bytes + { end: "an end", reset: "a reset", silence: "no more bytes in time" }[came];
  }
}

/** Bytes at both ends of a message that are sent apart in time. */
const APART = 12;
