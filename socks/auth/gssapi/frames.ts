/**
 * Sends and receives the frames of one GSS-API authentication (RFC 1961 sections 3.4, 3.7, 3.8 and 4.3).
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { type Deadline, onAbort, startDeadline } from "../../../base/deadline.ts";
import { SocksAuthError, SocksProtocolError } from "../../errors.ts";
import { clientGoneError, END_GRACE } from "../../stream/client_end.ts";
import type { Connection } from "../../stream/connection.ts";
import { EndWatcher } from "../../stream/end_watcher.ts";
import { MessageReader } from "../../stream/message_reader.ts";
import {
  decodeFrame,
  encodeAbort,
  encodeFrame,
  type Frame,
  FRAME_HEADER,
  FrameType,
  MAX_TOKEN,
} from "../../wire/gssapi.ts";

/** Frames of one authentication over a connection. */
export class GssapiFrames {
  readonly #connection: Connection;
  readonly #reader: MessageReader;
  readonly #watcher: EndWatcher;
  readonly #onGone: ((reason: Error) => void) | undefined;
  /** Whether one side has refused. */
  #refused = false;

  /**
   * Creates the frames of a connection.
   *
   * @param onGone Called when the client goes while {@linkcode GssapiFrames.whileClientStays} waits; without it nothing is watched.
   */
  constructor(connection: Connection, onGone?: (reason: Error) => void) {
    this.#connection = connection;
    this.#watcher = new EndWatcher(connection);
    this.#onGone = onGone;
    this.#reader = new MessageReader(
      onGone === undefined ? connection : this.#watcher.rest(),
      FRAME_HEADER + MAX_TOKEN,
    );
  }

  /** Sends a token in a frame. */
  async send(type: number, token: Uint8Array): Promise<void> {
    // Nothing follows a refusal.
    if (this.#refused) throw new SocksProtocolError("UNEXPECTED_END", "GSS-API authentication is over");
    if (token.length > MAX_TOKEN) {
      throw new SocksAuthError(
        "TOKEN_TOO_LARGE",
        `GSS-API token has ${token.length} bytes; a frame holds ${MAX_TOKEN}: the ticket carries too much authorization data`,
      );
    }
    await this.#connection.write(encodeFrame(type, token));
  }

  /** Returns the token of the next frame, which must have this type. */
  async receive(type: number): Promise<Bytes> {
    const frame: Frame = await this.#reader.next(decodeFrame);
    if (frame.type === FrameType.Abort) {
      this.#refused = true;
      throw new SocksAuthError("REFUSED_BY_PEER", "Peer refused the GSS-API authentication");
    }
    if (frame.type !== type) {
      throw new SocksProtocolError(
        "UNEXPECTED_MESSAGE",
        `Peer sent GSS-API message type ${frame.type} where type ${type} must follow`,
      );
    }
    return frame.token;
  }

  /** Waits for `step`, which may ask a slow replay cache, and watches whether the client goes meanwhile. */
  async whileClientStays<T>(step: () => Promise<T>): Promise<T> {
    const onGone = this.#onGone;
    if (onGone === undefined) return await step();
    using watcher = this.#watcher;
    let grace: Deadline | undefined;
    watcher.watch(({ failure, hasUnread }) => {
      const end = { failure, hasUnread: hasUnread || this.#reader.hasMore };
      const reason = clientGoneError(end, "its token was verified", true);
      if (reason === undefined) return;
      grace = startDeadline({ milliseconds: failure === undefined ? END_GRACE : 0, reason: () => reason });
      onAbort(grace.signal, () => onGone(reason));
    });
    try {
      return await step();
    } finally {
      grace?.[Symbol.dispose]();
    }
  }

  /** Refuses the peer (RFC 1961 section 3.8): once, and not if the peer refused first. Never rejects. */
  async refuse(): Promise<void> {
    if (this.#refused) return;
    this.#refused = true;
    await this.#connection.write(encodeAbort()).catch(() => {});
  }

  /** Returns the connection behind the last frame that was read. */
  rest(): Connection {
    return this.#reader.rest();
  }
}
