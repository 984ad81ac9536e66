/**
 * UDP sockets of the system: through `Deno.listenDatagram` where the program has it, otherwise through `node:dgram`.
 *
 * @module
 */
import { hasDeno, requireBuiltin } from "../../base/builtin.ts";
import { reasonText } from "../../base/reason.ts";
import { SocksReplyError } from "../errors.ts";
import type { BindDatagrams, BindDatagramsOptions, DatagramSocket } from "../stream/datagram_socket.ts";
import { isOutOfResources } from "../stream/dial_error.ts";
import { formatEndpoint } from "../wire/address.ts";
import { bindWithDeno } from "./udp_deno.ts";
import { bindWithNode } from "./udp_node.ts";

const NO_DATAGRAMS = "connect over TCP instead";

/**
 * Binds a UDP socket of the system. `Deno.listenDatagram` needs the flag `--unstable-net` and takes a third of the time of `node:dgram`, which
 * needs no flag.
 */
export const bindDatagrams: BindDatagrams = async (options: BindDatagramsOptions): Promise<DatagramSocket> => {
  try {
    if (hasDeno && "listenDatagram" in Deno) {
      const { listenDatagram } = Deno as unknown as { listenDatagram: Parameters<typeof bindWithDeno>[1] };
      return sendInOrder(bindWithDeno(options, listenDatagram));
    }
    const { createSocket } = requireBuiltin<typeof import("node:dgram")>("node:dgram", "send datagrams", NO_DATAGRAMS);
    return sendInOrder(await bindWithNode(options, createSocket as Parameters<typeof bindWithNode>[1]));
  } catch (cause) {
    const reason = reasonText(cause);
    const code = isOutOfResources(cause) ? "OUT_OF_RESOURCES" : "GENERAL_FAILURE";
    throw new SocksReplyError(code, `Cannot bind UDP ${formatEndpoint(options)}: ${reason}`, { cause });
  }
};

/**
 * Sends datagrams in order. Until the first datagram of a socket is sent, Deno queues all others and sends the last one first. So each waits for
 * the one before until one has been sent.
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
