/**
 * The byte of the protection level as it is sent (RFC 1961 sections 4.3 and 4.4).
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { andThen, type Eventually } from "../../../base/eventually.ts";
import type { GssContext } from "../../../gss/context.ts";
import { unwrapEventually, wrapEventually } from "../../../gss/eventual.ts";
import { SocksProtocolError } from "../../errors.ts";

/** Encodes and decodes the token of a protection message. */
export interface LevelCodec {
  /** Returns a token with the byte. */
  seal(byte: number): Eventually<Bytes>;
  /** Returns the byte in a token. */
  open(token: Bytes): Eventually<number>;
}

/**
 * Returns the codec of a context: the byte is wrapped, signed and not encrypted (RFC 1961 section 4.4). That rule binds the sender; an
 * encrypted token is as genuine and is accepted. In NEC's mode the byte is not protected.
 */
export function levelCodec(context: GssContext, necMode: boolean): LevelCodec {
  if (necMode) {
    return {
      seal: (byte) => Uint8Array.of(byte),
      open: onlyByte,
    };
  }
  return {
    seal: (byte) => wrapEventually(context, Uint8Array.of(byte), { confidential: false }),
    open: (token) =>
      andThen(unwrapEventually(context, token), ({ data, status }) => {
        if (status !== "complete") {
          throw new SocksProtocolError("OUT_OF_ORDER", `Protection message is out of order: ${status}`);
        }
        return onlyByte(data);
      }),
  };
}

function onlyByte(data: Bytes): number {
  if (data.length !== 1) {
    throw new SocksProtocolError("BAD_MESSAGE", `Protection message has ${data.length} bytes; it must have one`);
  }
  return data[0]!;
}
