/**
 * Channel bindings (RFC 2743 section 1.1.6).
 *
 * @module
 */
import { copyBytes, EMPTY } from "../base/bytes.ts";

/** Addresses and data that identify one channel. */
export interface ChannelBindings {
  /** Address type of the initiator (RFC 2744 section 3.11). @default {0} */
  readonly initiatorAddressType?: number | undefined;
  /** Address of the initiator. @default {empty} */
  readonly initiatorAddress?: Uint8Array | undefined;
  /** Address type of the acceptor. @default {0} */
  readonly acceptorAddressType?: number | undefined;
  /** Address of the acceptor. @default {empty} */
  readonly acceptorAddress?: Uint8Array | undefined;
  /** Data that both ends of the channel have, for example a TLS binding (RFC 5929). */
  readonly applicationData: Uint8Array;
}

/**
 * Returns a copy of the bindings, for use after the call.
 *
 * @throws {TypeError} When a field has no bytes: the context would be bound to other bindings then.
 */
export function ownBindings(bindings: ChannelBindings): ChannelBindings {
  return {
    ...bindings,
    initiatorAddress: copyBytes(bindings.initiatorAddress ?? EMPTY, "bind to"),
    acceptorAddress: copyBytes(bindings.acceptorAddress ?? EMPTY, "bind to"),
    applicationData: copyBytes(bindings.applicationData, "bind to"),
  };
}
