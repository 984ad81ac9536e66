/**
 * Channel bindings (RFC 2743 section 1.1.6) and the hash over them that Kerberos sends (RFC 4121 section 4.1.1.2).
 *
 * @module
 */
import { type Bytes, ByteWriter, copyBytes, EMPTY } from "../base/bytes.ts";

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

/** MD5 over the bindings, each number little-endian (RFC 4121 section 4.1.1.2). */
export async function channelBindingHash(given: ChannelBindings): Promise<Bytes> {
  const bindings = ownBindings(given);
  // Loaded on first use only: the real package brings a WebAssembly module, and few contexts are bound.
  const { crypto: std } = await import("@std/crypto/crypto");
  const initiator = bindings.initiatorAddress ?? EMPTY;
  const acceptor = bindings.acceptorAddress ?? EMPTY;
  const input = new ByteWriter()
    .u32(bindings.initiatorAddressType ?? 0, true).u32(initiator.length, true).bytes(initiator)
    .u32(bindings.acceptorAddressType ?? 0, true).u32(acceptor.length, true).bytes(acceptor)
    .u32(bindings.applicationData.length, true).bytes(bindings.applicationData)
    .finish();
  return new Uint8Array(std.subtle.digestSync("MD5", input));
}
