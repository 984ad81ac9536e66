/**
 * Credentials of a mechanism (RFC 2743 section 1.1.1): what contexts are started and accepted with.
 *
 * @module
 */
import type { ChannelBindings } from "./channel_bindings.ts";
import type { GssFlags } from "./context.ts";
import type { GssName } from "./names.ts";
import type { GssNegotiation } from "./negotiation.ts";

/** What an initiator is asked for. */
export interface InitiateOptions {
  /** Services wanted. @default {mutual, replay, sequence, confidentiality and integrity} */
  readonly flags?: GssFlags | undefined;
  /** Channel that the context is tied to (RFC 2743 section 1.1.6). */
  readonly channelBindings?: ChannelBindings | undefined;
  /** Ends the wait for a ticket. */
  readonly signal?: AbortSignal | undefined;
}

/** What an acceptor is asked for. */
export interface AcceptOptions {
  /** Channel that the context must be tied to, where the initiator ties it. */
  readonly channelBindings?: ChannelBindings | undefined;
}

/** Credentials for starting contexts. */
export interface GssInitiatorCredential {
  /** Mechanism, as a dotted object identifier. */
  readonly mechanism: string;
  /**
   * Starts a context with `target`. Everything that needs a network, such as a ticket, happens here.
   *
   * @throws {TypeError} When the channel bindings have no bytes to take; nothing is asked for then.
   * @throws {GssError} When there are no usable credentials for the target.
   */
  initiate(target: GssName, options?: InitiateOptions): Promise<GssNegotiation>;
}

/** Credentials for accepting contexts. */
export interface GssAcceptorCredential {
  /** Mechanism, as a dotted object identifier. */
  readonly mechanism: string;
  /**
   * Starts the accepting side of one context.
   *
   * @throws {TypeError} When the channel bindings have no bytes to take.
   */
  accept(options?: AcceptOptions): GssNegotiation;
}
