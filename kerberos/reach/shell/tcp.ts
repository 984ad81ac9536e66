/**
 * Messages to a KDC over TCP (RFC 4120 section 7.2.2).
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { exchangeOverStream, type KdcStream } from "../framing.ts";
import type { SendTo } from "../socket_transport.ts";
import { sockets } from "./default_sockets.ts";
import type { StreamSocket } from "./stream_sockets.ts";

/** Sends a message over a new connection. */
export const sendTcp: SendTo = async (to, message, signal): Promise<Bytes> => {
  const { hostname, port } = to;
  return await exchangeOverStream(streamOf(await sockets.connect({ hostname, port, signal })), message, signal);
};

function streamOf(connection: StreamSocket): KdcStream {
  const buffer = new Uint8Array(8_192);
  return {
    async read(): Promise<Bytes | null> {
      const count = await connection.read(buffer);
      return count === null ? null : buffer.slice(0, count);
    },
    async write(bytes): Promise<void> {
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    },
    close: () => connection[Symbol.dispose](),
  };
}
