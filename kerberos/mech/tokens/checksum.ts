/**
 * The authenticator's checksum of the GSS-API (RFC 4121 section 4.1.1), which carries flags, channel bindings and delegated
 * tickets instead of a sum.
 *
 * @module
 */
import { ByteReader, type Bytes, ByteWriter } from "../../../base/bytes.ts";
import type { GssFlags } from "../../../gss/context.ts";
import { defective } from "./errors.ts";

/** Type of the checksum that carries flags and bindings instead of a sum (RFC 4121 section 4.1.1). */
export const GSS_CHECKSUM_TYPE = 0x8003;

const FlagBit = { delegation: 1, mutual: 2, replay: 4, sequence: 8, confidentiality: 16, integrity: 32 } as const;

/** What an initiator sends in the authenticator's checksum. */
export interface AuthenticatorChecksum {
  /** Services requested. */
  readonly flags: Required<GssFlags>;
  /** MD5 over the channel bindings, all zero for none. */
  readonly bindings: Bytes;
  /** KRB-CRED with delegated tickets. */
  readonly delegation?: Bytes | undefined;
}

/** Encodes the checksum (RFC 4121 section 4.1.1); numbers are little-endian. */
export function encodeAuthenticatorChecksum(value: AuthenticatorChecksum): Bytes {
  let flags = 0;
  for (const name of Object.keys(FlagBit) as (keyof typeof FlagBit)[]) if (value.flags[name]) flags |= FlagBit[name];
  const out = new ByteWriter().u32(16, true).bytes(value.bindings).u32(flags, true);
  if (value.delegation !== undefined) out.u16(1, true).u16(value.delegation.length, true).bytes(value.delegation);
  return out.finish();
}

/** Decodes the checksum; extensions after it are ignored. */
export function decodeAuthenticatorChecksum(bytes: Uint8Array): AuthenticatorChecksum {
  try {
    const reader = new ByteReader(bytes);
    const length = reader.u32(true);
    if (length !== 16) throw new RangeError(`bindings of ${length} bytes`);
    const bindings = reader.take(16);
    const bits = reader.u32(true);
    const flags = {
      delegation: (bits & FlagBit.delegation) !== 0,
      mutual: (bits & FlagBit.mutual) !== 0,
      replay: (bits & FlagBit.replay) !== 0,
      sequence: (bits & FlagBit.sequence) !== 0,
      confidentiality: (bits & FlagBit.confidentiality) !== 0,
      integrity: (bits & FlagBit.integrity) !== 0,
    };
    if (!flags.delegation) return { flags, bindings };
    const option = reader.u16(true);
    if (option !== 1) throw new RangeError(`delegation option ${option}`);
    return { flags, bindings, delegation: reader.take(reader.u16(true)) };
  } catch (cause) {
    if (cause instanceof RangeError) throw defective(`Cannot read authenticator checksum: ${cause.message}`, cause);
    throw cause;
  }
}
