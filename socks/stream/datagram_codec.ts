/**
 * Datagrams under the protection of a context: each is one message in a frame of its own (RFC 1961 section 5).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { GssContext } from "../../gss/context.ts";
import { SocksProtocolError } from "../errors.ts";
import { isSealed, type ProtectionLevel, type SealPolicy } from "../protection.ts";
import { decodeFrame, encodeFrame, FRAME_HEADER, FrameType, MAX_TOKEN } from "../wire/gssapi.ts";

/** Seals and opens single datagrams with the context of the control connection (RFC 1961 section 5). */
export interface DatagramCodec {
  /** Returns a datagram as it is sent to the peer. */
  seal(datagram: Uint8Array): Promise<Bytes>;
  /**
   * Returns the datagram in what the peer sent.
   *
   * @throws {Error} When it is not genuine, was received before, or is not protected as agreed.
   */
  open(bytes: Uint8Array): Promise<Bytes>;
  /**
   * Returns the size of the longest datagram that has at most `size` bytes as it is sent, or 0 if there is none.
   *
   * @default {`size`: nothing is added}
   */
  roomIn?(size: number): number;
}

/** Options of {@linkcode protectedDatagrams}. */
export interface ProtectedDatagramsOptions {
  /** Established context. */
  readonly context: GssContext;
  /** Protection level that was agreed. */
  readonly level: Exclude<ProtectionLevel, "none">;
  /** Which datagrams are encrypted at level "selective". @default {all of them} */
  readonly seal?: SealPolicy | undefined;
}

/** Datagrams without protection. */
export const plainDatagrams: DatagramCodec = {
  seal: (datagram) => Promise.resolve(new Uint8Array(datagram)),
  open: (bytes) => Promise.resolve(new Uint8Array(bytes)),
};

/** Returns the codec of datagrams in `01 03` frames, one complete frame each. */
export function protectedDatagrams({ context, level, seal = () => true }: ProtectedDatagramsOptions): DatagramCodec {
  return {
    async seal(datagram): Promise<Bytes> {
      const confidential = isSealed(level, seal, datagram.length);
      return encodeFrame(FrameType.Encapsulation, await context.wrap(datagram, { confidential }));
    },
    async open(bytes): Promise<Bytes> {
      const decoded = decodeFrame(bytes as Bytes);
      if (decoded === undefined || decoded.length !== bytes.length || decoded.value.type !== FrameType.Encapsulation) {
        throw new SocksProtocolError("BAD_MESSAGE", `Datagram of ${bytes.length} bytes is not one protected message`);
      }
      const { data, confidential, status } = await context.unwrap(decoded.value.token, { inPlace: true });
      // Datagrams may be lost or reordered, but not repeated. A context that also checks the order, which it need not
      // (RFC 1961 section 3.2), cannot tell a late datagram from a repeated one.
      if (status === "duplicate" || status === "old" || status === "unsequenced") {
        throw new SocksProtocolError("OUT_OF_ORDER", `Datagram was received before: ${status}`);
      }
      if (level === "confidentiality" && !confidential) {
        throw new SocksProtocolError("NOT_SEALED", "Datagram is only signed; it must be encrypted too");
      }
      return data;
    },
    roomIn(size): number {
      const token = Math.min(size - FRAME_HEADER, MAX_TOKEN);
      const kinds = level === "selective" ? [true, false] : [level === "confidentiality"];
      return token <= 0 ? 0 : Math.min(...kinds.map((confidential) => context.wrapSizeLimit(token, { confidential })));
    },
  };
}
