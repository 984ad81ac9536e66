/**
 * The level of protection as it travels (RFC 1961 sections 4.3 and 4.4), and what a context must offer for it.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import type { GssContext, GssFlags } from "../../../gss/context.ts";
import { SocksProtocolError } from "../../errors.ts";
import type { ProtectionLevel } from "../../protection.ts";

/** How the byte of a level travels. */
export interface LevelCodec {
  /** A token with the byte. */
  seal(byte: number): Promise<Bytes>;
  /** The byte out of a token. */
  open(token: Bytes): Promise<number>;
}

/**
 * In a token of the context, signed and not sealed (section 4.4). That is a rule for whoever makes one: a sealed one is as genuine, and
 * is taken. In NEC's mode the byte is in clear.
 */
export function levelCodec(context: GssContext, necMode: boolean): LevelCodec {
  if (necMode) {
    return {
      seal: (byte) => Promise.resolve(Uint8Array.of(byte)),
      open: (token) => Promise.resolve(onlyByte(token)),
    };
  }
  return {
    seal: (byte) => context.wrap(Uint8Array.of(byte), { confidential: false }),
    async open(token): Promise<number> {
      const { data, status } = await context.unwrap(token);
      if (status !== "complete") {
        throw new SocksProtocolError("OUT_OF_ORDER", `Protection message is out of order: ${status}`);
      }
      return onlyByte(data);
    },
  };
}

function onlyByte(data: Bytes): number {
  if (data.length !== 1) {
    throw new SocksProtocolError("BAD_MESSAGE", `Protection message has ${data.length} bytes, not one`);
  }
  return data[0]!;
}

/** A service that may be missing from a context, in words. */
export type MissingService =
  | "mutual authentication"
  | "integrity"
  | "confidentiality"
  | "replay detection"
  | "sequence detection";

/**
 * Services that a level rests on and a context was not granted (RFC 1961 sections 3.2 and 4.1): one counts only where the context
 * says that it is there (RFC 2743 section 1.2).
 */
export function missingServices(flags: Readonly<Required<GssFlags>>, level: ProtectionLevel): MissingService[] {
  const missing: MissingService[] = [];
  if (!flags.mutual) missing.push("mutual authentication");
  if (level === "none") return missing;
  if (!flags.integrity) missing.push("integrity");
  if (level !== "integrity" && !flags.confidentiality) missing.push("confidentiality");
  if (!flags.replay) missing.push("replay detection");
  if (!flags.sequence) missing.push("sequence detection");
  return missing;
}
