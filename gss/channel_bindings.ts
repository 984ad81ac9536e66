/**
 * Channel bindings (RFC 2743 section 1.1.6).
 *
 * @module
 */
import { copyBytes, EMPTY } from "../base/bytes.ts";

/** Addresses and data that name one channel. */
export interface ChannelBindings {
  /** Address type of the initiator (RFC 2744 section 3.11). @default {0} */
  readonly initiatorAddressType?: number | undefined;
  /** Address of the initiator. @default {empty} */
  readonly initiatorAddress?: Uint8Array | undefined;
  /** Address type of the acceptor. @default {0} */
  readonly acceptorAddressType?: number | undefined;
  /** Address of the acceptor. @default {empty} */
  readonly acceptorAddress?: Uint8Array | undefined;
  /** Data that both ends of the channel know, for example a TLS binding (RFC 5929). */
  readonly applicationData: Uint8Array;
}

/**
 * The same bindings in memory of their own, for a context that is bound later.
 *
 * @throws {TypeError} When something of them has no bytes to take: other bindings would be bound to then.
 */
export function ownBindings(bindings: ChannelBindings): ChannelBindings {
  return {
    ...bindings,
    initiatorAddress: copyBytes(bindings.initiatorAddress ?? EMPTY, "bind to"),
    acceptorAddress: copyBytes(bindings.acceptorAddress ?? EMPTY, "bind to"),
    applicationData: copyBytes(bindings.applicationData, "bind to"),
  };
}
