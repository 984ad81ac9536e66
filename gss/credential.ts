/**
 * Credentials of a mechanism (RFC 2743 section 1.1.1): what contexts are started and accepted with.
 *
 * @module
 */
import type { ChannelBindings } from "./channel_bindings.ts";
import type { GssFlags } from "./context.ts";
import type { GssName } from "./names.ts";
import type { GssNegotiation } from "./negotiation.ts";

/** Options of {@linkcode GssInitiatorCredential.initiate}. */
export interface InitiateOptions {
  /** Requested services. @default {mutual, replay, sequence, confidentiality and integrity} */
  readonly flags?: GssFlags | undefined;
  /** Channel that the context is bound to (RFC 2743 section 1.1.6). */
  readonly channelBindings?: ChannelBindings | undefined;
  /** Ends the wait for a ticket. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@linkcode GssAcceptorCredential.accept}. */
export interface AcceptOptions {
  /** Channel that the context must be bound to, if the initiator binds it. */
  readonly channelBindings?: ChannelBindings | undefined;
}

/** Credential that starts contexts. */
export interface GssInitiatorCredential {
  /** Mechanism, as a dotted object identifier. */
  readonly mechanism: string;
  /**
   * Starts a context with `target`. This is the only step that uses the network, for example to get a ticket.
   *
   * @throws {TypeError} When the channel bindings have no bytes; no request is sent then.
   * @throws {GssError} When there is no usable credential for the target.
   */
  initiate(target: GssName, options?: InitiateOptions): Promise<GssNegotiation>;
}

/** Credential that accepts contexts. */
export interface GssAcceptorCredential {
  /** Mechanism, as a dotted object identifier. */
  readonly mechanism: string;
  /**
   * Starts the accepting side of one context.
   *
   * @throws {TypeError} When the channel bindings have no bytes.
   */
  accept(options?: AcceptOptions): GssNegotiation;
}
