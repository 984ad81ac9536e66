/**
 * Datagrams under the protection of a context, each a message of its own (RFC 1961 section 5).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import { decodeFrame, encodeFrame, FrameType } from "../wire/gssapi.ts";
import type { ProtectedConnectionOptions } from "./record_layer.ts";

/** Seals and opens single datagrams with the context of the control connection (RFC 1961 section 5). */
export interface DatagramCodec {
  /** A datagram as it goes to the peer. */
  seal(datagram: Uint8Array): Promise<Bytes>;
  /** A datagram out of what came; throws where it is not genuine, was seen before or is not protected as agreed. */
  open(bytes: Uint8Array): Promise<Bytes>;
}

/** Datagrams without protection. */
export const plainDatagrams: DatagramCodec = {
  seal: (datagram) => Promise.resolve(new Uint8Array(datagram)),
  open: (bytes) => Promise.resolve(new Uint8Array(bytes)),
};

/** Datagrams in `01 03` frames, each whole in itself. */
export function protectedDatagrams(options: Omit<ProtectedConnectionOptions, "connection">): DatagramCodec {
  const { context, level, seal = () => true } = options;
  return {
    async seal(datagram): Promise<Bytes> {
      const confidential = level === "confidentiality" || (level === "selective" && seal({ length: datagram.length }));
      return encodeFrame(FrameType.Encapsulation, await context.wrap(datagram, { confidential }));
    },
    async open(bytes): Promise<Bytes> {
      const decoded = decodeFrame(bytes as Bytes);
      if (decoded === undefined || decoded.length !== bytes.length || decoded.value.type !== FrameType.Encapsulation) {
        throw new SocksProtocolError("BAD_MESSAGE", `Datagram of ${bytes.length} bytes is not one protected message`);
      }
      const { data, confidential, status } = await context.unwrap(decoded.value.token, { inPlace: true });
      // Datagrams may be lost and overtake one another; they may not come twice. A context that keeps the order too, which
      // it need not (RFC 1961 section 3.2), cannot tell a late one from one that came long ago.
      if (status === "duplicate" || status === "old" || status === "unsequenced") {
        throw new SocksProtocolError("OUT_OF_ORDER", `Datagram was seen before: ${status}`);
      }
      if (level === "confidentiality" && !confidential) {
        throw new SocksProtocolError("NOT_SEALED", "Datagram is signed only, and was to be sealed");
      }
      return data;
    },
  };
}
