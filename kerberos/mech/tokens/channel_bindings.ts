/**
 * The hash over channel bindings in an authenticator's checksum (RFC 4121 section 4.1.1.2).
 *
 * @module
 */
import { type Bytes, ByteWriter, EMPTY } from "../../../base/bytes.ts";
import { type ChannelBindings, ownBindings } from "../../../gss/channel_bindings.ts";

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
