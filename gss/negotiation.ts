/**
 * Contexts that are being established (RFC 2743 section 1.1.3). An established context is another type, so a message cannot be
 * protected too early.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { GssContext } from "./context.ts";

/** Result of a step. A failure is a thrown `GssError`, whose token, if any, must still be sent. */
export type GssStep =
  | {
    /** The negotiation goes on: the peer must answer. */
    readonly done: false;
    /** Token for the peer. */
    readonly token: Bytes;
  }
  | {
    /** The context is established. */
    readonly done: true;
    /** Last token for the peer, if there is one. */
    readonly token?: Bytes | undefined;
    /** The established context. */
    readonly context: GssContext;
  };

/** A context that is being established. After a failure every further step fails. */
export interface GssNegotiation {
  /**
   * Takes the peer's token (none on an initiator's first step), and returns the token to send or the established context. The caller
   * may change the token's memory as soon as the call returns.
   *
   * @throws {TypeError} When the token has no bytes; the negotiation does not change.
   * @throws {GssError} When the peer or its token is refused.
   */
  step(token?: Uint8Array): Promise<GssStep>;
  /**
   * Ends a negotiation that is given up, and releases what it holds, such as a context that waits for the peer's last token. Call it
   * between steps; every further step fails. Absent if the negotiation holds nothing.
   */
  dispose?(): void;
}
