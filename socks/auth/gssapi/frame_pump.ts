/**
 * Carries the frames of RFC 1961 and steps a negotiation with them (sections 3.3 to 3.8).
 *
 * @module
 */
import { type Bytes, EMPTY } from "../../../base/bytes.ts";
import { type Deadline, startDeadline } from "../../../base/deadline.ts";
import type { GssContext, GssNegotiation, GssStep } from "../../../gss/mechanism.ts";
import { GssError } from "../../../gss/status.ts";
import { SocksAuthError, SocksProtocolError } from "../../errors.ts";
import { clientGoneError, END_GRACE } from "../../stream/client_end.ts";
import type { Connection } from "../../stream/connection.ts";
import { MessageReader } from "../../stream/message_reader.ts";
import { EndWatcher } from "../../stream/end_watcher.ts";
import { decodeFrame, encodeAbort, encodeFrame, type Frame, FrameType, MAX_TOKEN } from "../../wire/gssapi.ts";

/** Kerberos takes two legs, SPNEGO a few more; nothing honest takes this many. */
const MAX_LEGS = 16;
/** A frame with the largest token. */
const LIMIT = MAX_TOKEN + 4;

/** Told of the context as soon as there is one, before anything else is sent; it is the caller's to dispose of from then on. */
export type TakeContext = (context: GssContext) => void;

/** Carries frames and steps negotiations. */
export class FramePump {
  readonly #connection: Connection;
  readonly #reader: MessageReader;
  readonly #ahead: EndWatcher;
  readonly #onGone: ((reason: Error) => void) | undefined;
  #aborted = false;

  /**
   * Makes one.
   *
   * @param onGone Told that the peer has gone while a step of an acceptor was under way; it is not looked for where nobody wants to know.
   */
  constructor(connection: Connection, onGone?: (reason: Error) => void) {
    this.#connection = connection;
    this.#ahead = new EndWatcher(connection);
    this.#onGone = onGone;
    this.#reader = new MessageReader(onGone === undefined ? connection : this.#ahead.rest(), LIMIT);
  }

  /** Sends a token in a frame. */
  async send(type: number, token: Uint8Array): Promise<void> {
    // Behind a refusal comes nothing.
    if (this.#aborted) throw new SocksProtocolError("UNEXPECTED_END", "GSS-API authentication is over");
    if (token.length > MAX_TOKEN) {
      throw new SocksAuthError(
        "TOKEN_TOO_LARGE",
        `GSS-API token has ${token.length} bytes, of which a frame takes ${MAX_TOKEN}: the ticket carries too much`,
      );
    }
    await this.#connection.write(encodeFrame(type, token));
  }

  /** Token of the next frame, which must be of the type given. */
  async receive(type: number): Promise<Bytes> {
    const frame: Frame = await this.#reader.next(decodeFrame);
    if (frame.type === FrameType.Abort) {
      this.#aborted = true;
      throw new SocksAuthError("REFUSED_BY_PEER", "Peer refused the GSS-API authentication");
    }
    if (frame.type !== type) {
      throw new SocksProtocolError("UNEXPECTED_MESSAGE", `GSS-API message type ${type} wanted, ${frame.type} came`);
    }
    return frame.token;
  }

  /** Sections 3.3 and 3.4: the initiator's legs. An empty token from the acceptor says that it has nothing to add. */
  async initiate(negotiation: GssNegotiation, take: TakeContext): Promise<void> {
    await orDispose(negotiation, this.#initiate(negotiation, take));
  }

  async #initiate(negotiation: GssNegotiation, take: TakeContext): Promise<void> {
    let step = await this.#step(negotiation, undefined);
    for (let legs = 0; legs < MAX_LEGS; legs++) {
      if (step.done) take(step.context);
      if (step.token !== undefined) await this.send(FrameType.Authentication, step.token);
      if (step.done) {
        if (step.token !== undefined) await this.#acknowledgement();
        return;
      }
      step = await this.#step(negotiation, await this.receive(FrameType.Authentication));
    }
    throw new SocksAuthError("TOO_MANY_LEGS", `GSS-API authentication is not done after ${MAX_LEGS} legs`);
  }

  /** After the initiator's last token the acceptor answers once more, with an empty frame (section 3.6). */
  async #acknowledgement(): Promise<void> {
    const token = await this.receive(FrameType.Authentication);
    if (token.length > 0) {
      throw new SocksProtocolError("UNEXPECTED_MESSAGE", "Peer sent a token to a context that stands");
    }
  }

  /** Section 3.6: the acceptor's legs. Each token is answered, the last one with an empty frame where there is none. */
  async accept(negotiation: GssNegotiation, take: TakeContext): Promise<void> {
    await orDispose(negotiation, this.#accept(negotiation, take));
  }

  async #accept(negotiation: GssNegotiation, take: TakeContext): Promise<void> {
    for (let legs = 0; legs < MAX_LEGS; legs++) {
      const token = await this.receive(FrameType.Authentication);
      const step = await this.#whileThere(() => this.#step(negotiation, token));
      if (step.done) take(step.context);
      await this.send(FrameType.Authentication, step.token ?? EMPTY);
      if (step.done) return;
    }
    throw new SocksAuthError("TOO_MANY_LEGS", `GSS-API authentication is not done after ${MAX_LEGS} legs`);
  }

  /** A step may ask others, who may be slow: a replay cache that several machines share. */
  async #whileThere<T>(step: () => Promise<T>): Promise<T> {
    const onGone = this.#onGone;
    if (onGone === undefined) return await step();
    using watched = this.#ahead;
    let grace: Deadline | undefined;
    watched.watch(({ failure, early }) => {
      const end = { failure, early: early || this.#reader.hasMore };
      const reason = clientGoneError(end, "its token was looked at", true);
      if (reason === undefined) return;
      grace = startDeadline({ milliseconds: failure === undefined ? END_GRACE : 0, reason: () => reason });
      grace.signal.addEventListener("abort", () => onGone(reason), { once: true });
    });
    try {
      return await step();
    } finally {
      grace?.[Symbol.dispose]();
    }
  }

  /** A failed step may leave a token that says so, which goes out all the same (RFC 7546 sections 3.2 and 3.5). */
  async #step(negotiation: GssNegotiation, token: Bytes | undefined): Promise<GssStep> {
    try {
      return await negotiation.step(token);
    } catch (error) {
      if (error instanceof GssError && error.token !== undefined) {
        await this.send(FrameType.Authentication, error.token).catch(() => {});
      }
      throw error;
    }
  }

  /** Section 3.8: tells the peer that it is refused, once, and not when the peer said so itself. */
  async abort(): Promise<void> {
    if (this.#aborted) return;
    this.#aborted = true;
    await this.#connection.write(encodeAbort()).catch(() => {});
  }

  /** The connection from here on. */
  rest(): Connection {
    return this.#reader.rest();
  }
}

/** A negotiation that the peer leaves half done may hold a context already. */
async function orDispose(negotiation: GssNegotiation, legs: Promise<void>): Promise<void> {
  try {
    await legs;
  } catch (error) {
    negotiation.dispose?.();
    throw error;
  }
}
