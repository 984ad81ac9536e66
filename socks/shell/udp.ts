/**
 * UDP sockets. No unstable flag is needed, and one makes them faster.
 *
 * @module
 */
import { bindWithNode } from "./udp_node.ts";
import { bindWithDeno } from "./udp_deno.ts";
import type { BindDatagrams, BindDatagramsOptions, DatagramSocket } from "../stream/datagram_socket.ts";
import { reasonText } from "../../base/reason.ts";
import { SocksReplyError } from "../errors.ts";
import { isOutOfResources } from "../stream/dial_error.ts";
import { formatEndpoint } from "../wire/address.ts";

/**
 * Binds a UDP socket of the system: through `Deno.listenDatagram` where `--unstable-net` brings that, which takes a third of
 * the time, and else through `node:dgram`.
 */
export const bindUdp: BindDatagrams = async (options: BindDatagramsOptions): Promise<DatagramSocket> => {
  try {
    if ("listenDatagram" in Deno) {
      const { listenDatagram } = Deno as unknown as { listenDatagram: Parameters<typeof bindWithDeno>[1] };
      return sendInOrder(bindWithDeno(options, listenDatagram));
    }
    // Loaded when it is wanted: most users of this package never do.
    const { createSocket } = await import("node:dgram");
    return sendInOrder(await bindWithNode(options, createSocket as Parameters<typeof bindWithNode>[1]));
  } catch (cause) {
    const reason = reasonText(cause);
    const code = isOutOfResources(cause) ? "OUT_OF_RESOURCES" : "GENERAL_FAILURE";
    throw new SocksReplyError(code, `Cannot bind UDP ${formatEndpoint(options)}: ${reason}`, { cause });
  }
};

/**
 * Until the system has said once that a socket may be sent from, Deno has all that is to be sent wait, and sends the last of it
 * first. So each waits for the one before it until one has gone.
 */
function sendInOrder(socket: DatagramSocket): DatagramSocket {
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  let begun = false;
  return {
    local: socket.local,
    send(bytes, to): Promise<void> {
      if (begun && waiting === 0) return socket.send(bytes, to);
      waiting++;
      const sent = last.then(() => socket.send(bytes, to)).then(() => void (begun = true));
      last = sent.catch(() => {}).then(() => void waiting--);
      return sent;
    },
    close: () => socket.close(),
    ref: () => socket.ref?.(),
    unref: () => socket.unref?.(),
  };
}
