/**
 * Messages to a KDC over TCP (RFC 4120 section 7.2.2), through Deno.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { exchangeOverStream, type KdcStream } from "../framing.ts";
import type { SendTo } from "../socket_transport.ts";

/** Sends a message over a new connection. */
export const sendTcp: SendTo = async (to, message, signal): Promise<Bytes> => {
  const { hostname, port } = to;
  return await exchangeOverStream(streamOf(await Deno.connect({ hostname, port, signal })), message, signal);
};

function streamOf(connection: Deno.TcpConn): KdcStream {
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

/** Whether the program may connect to a host; the user is not asked. */
export function mayReach(host: string): boolean {
  try {
    return Deno.permissions.querySync({ name: "net", host }).state === "granted";
  } catch {
    // A permission cannot be given for such a host.
    return false;
  }
}
