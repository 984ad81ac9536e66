/**
 * Contexts that are being established (RFC 2743 section 1.1.2). An established context is another type, so a message cannot be
 * protected too early.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { GssContext } from "./context.ts";

/** What one step of a context gave. A failure is a thrown `GssError`, whose token, if any, must still be sent. */
export type GssStep =
  | {
    /** More tokens are to come. */
    readonly done: false;
    /** Token for the peer. */
    readonly token: Bytes;
  }
  | {
    /** The context is established. */
    readonly done: true;
    /** Last token for the peer, where there is one. */
    readonly token?: Bytes | undefined;
    /** The established context. */
    readonly context: GssContext;
  };

/** A context under way. After a failure every further step fails. */
export interface GssNegotiation {
  /**
   * Takes the peer's token, none on an initiator's first step, and says what comes next. The token is the caller's again once
   * the call is made.
   *
   * @throws {TypeError} When the token has no bytes to take; the negotiation stays as it was.
   * @throws {GssError} When the peer or its token is refused.
   */
  step(token?: Uint8Array): Promise<GssStep>;
  /**
   * Forgets what has not been handed out, such as a context that waits for the peer's last token, when a negotiation comes to
   * nothing. Called between steps; every further one fails. Absent where nothing is held.
   */
  dispose?(): void;
}
